/** Removes containers and volumes that ended operations left on the engine because a worker died before it could. */
import { removeRun, removeVolume } from '../docker/inspect-run.js';
import { createLabels } from '../docker/labels.js';
import { listRuns, type ListedRun } from '../docker/list-runs.js';
import { readRecord } from '../stack/record.js';
import type { OperationDependencies } from './dependencies.js';

/** Milliseconds after which an ended preview is nobody's any more; a later attempt would plan anew. */
const PREVIEW_AGE = 3_600_000;
/** Milliseconds that the container of a settled run is kept, for a look into what was lost. */
const MUTATION_AGE = 24 * 3_600_000;

/**
 * Removes what no operation needs: ended previews after an hour, and after a day ended mutating runs whose stack is not
 * bound to them any more (their result is in the store). Returns how many containers it removed.
 */
export async function tidyEngine(
  { engine, store }: Pick<OperationDependencies, 'engine' | 'store'>,
  now = Date.now(),
): Promise<number> {
  const { [INSTALLATION]: installation = '' } = createLabels({ installation: store.installation });
  const runs = await listRuns(engine, { [INSTALLATION]: installation });
  let removed = 0;
  for (const run of runs) {
    if (run.state === 'running' || !(await isLeft({ store }, run, now))) continue;
    await removeRun(engine, run.id);
    if (run.labels[PURPOSE] === 'mutation')
      await removeVolume(engine, run.name).catch(() => undefined);
    removed += 1;
  }
  return removed;
}

const INSTALLATION = 'dev.cldctl.installation';
const PURPOSE = 'dev.cldctl.purpose';
const STACK = 'dev.cldctl.stack-id';

async function isLeft(
  { store }: Pick<OperationDependencies, 'store'>,
  run: ListedRun,
  now: number,
): Promise<boolean> {
  const age = now - run.createdAt.getTime();
  if (run.labels[PURPOSE] === 'preview') return age > PREVIEW_AGE;
  const stackId = run.labels[STACK];
  if (run.labels[PURPOSE] !== 'mutation' || stackId === undefined) return false;
  const record = (await readRecord(store, stackId))?.record;
  // A stack that is bound may still be harvested from this very container.
  return age > MUTATION_AGE && record !== undefined && record.openRun === undefined;
}
