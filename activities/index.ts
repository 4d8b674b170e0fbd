/** All activities, by the queue that serves them. */
import { createDescribe } from '../src/operation/describe-image.js';
import type { Activities } from '../src/operation/types.js';
import type { ActivityDependencies } from './activity-dependencies.js';
import { createBuild } from './build.js';
import { createExecute } from './execute.js';
import { createKill } from './kill.js';
import { createListStacks } from './list-stacks.js';
import { createNoteDrift } from './note-drift.js';
import { createRecipients, createSendNotification } from './notifications.js';
import { createPrepare, createPrepareLater } from './prepare.js';
import { createPreview } from './preview.js';
import { createPush } from './push.js';
import { createReadStack } from './read-stack.js';
import { createRecord } from './record.js';
import { createSettle } from './settle.js';
import { createSweep } from './sweep.js';

export interface ActivitiesByQueue {
  readonly light: Pick<
    Activities,
    | 'prepare'
    | 'prepareLater'
    | 'record'
    | 'readStack'
    | 'listStacks'
    | 'noteDrift'
    | 'recipients'
    | 'sendNotification'
  >;
  readonly docker: Pick<Activities, 'build' | 'push' | 'preview' | 'execute' | 'settle'>;
  readonly control: Pick<Activities, 'kill'>;
}

/** Creates them for one worker. */
export function createActivities(given: Omit<ActivityDependencies, 'describe'>): ActivitiesByQueue {
  const dependencies = { ...given, describe: createDescribe(given.engine) };
  const sweep = createSweep(dependencies);
  return {
    light: {
      prepare: createPrepare(dependencies),
      prepareLater: createPrepareLater(dependencies),
      record: createRecord(dependencies),
      readStack: createReadStack(dependencies),
      listStacks: createListStacks(dependencies),
      noteDrift: createNoteDrift(dependencies),
      recipients: createRecipients(dependencies),
      sendNotification: createSendNotification(dependencies),
    },
    docker: {
      build: createBuild(dependencies),
      push: createPush(dependencies),
      preview: createPreview(dependencies, sweep),
      execute: createExecute(dependencies, sweep),
      settle: createSettle(dependencies, sweep),
    },
    control: { kill: createKill(dependencies) },
  };
}
