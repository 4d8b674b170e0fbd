import { activityInfo } from '@temporalio/activity';
import { noteDrift } from '../src/operation/note-drift.js';
import type { Activities } from '../src/operation/types.js';
import { withFailures } from './activity-scope.js';
import type { ActivityDependencies } from './activity-dependencies.js';
import { thisRun } from './this-run.js';

/** Writes into the record which drift was reported. */
export function createNoteDrift(dependencies: ActivityDependencies): Activities['noteDrift'] {
  return (request) => withFailures(() => noteDrift(dependencies, request, thisRun(activityInfo())));
}
