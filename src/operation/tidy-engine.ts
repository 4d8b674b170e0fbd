/** Removes from the engine what operations left there because a worker died before it could. */
import { removeRun, removeVolume } from '../docker/inspect-run.js';
import type { OperationDependencies } from './dependencies.js';
import { findLeftOvers } from './left-overs.js';

/** Removes what no operation can need any more; returns how many containers and volumes those were. */
export async function tidyEngine(
  { engine, store }: Pick<OperationDependencies, 'engine' | 'store'>,
  now = Date.now(),
): Promise<number> {
  let removed = 0;
  for (const { kind, id, name, removable } of await findLeftOvers({ engine, store })) {
    if (removable.getTime() > now) continue;
    // By its id: the name may be that of a run which has begun meanwhile. Its volume goes when nothing uses it.
    if (kind === 'container') await removeRun(engine, id ?? name);
    // A volume that is in use again is refused by the engine.
    await removeVolume(engine, name).catch(() => undefined);
    removed += 1;
  }
  return removed;
}
