/** Which resources the next run of a stack will find in its state. */
import { wholeOf, type Content } from '../content.js';
import { CodedError } from '../errors.js';
import { readRecord } from '../stack/record.js';
import { resourcesIn } from '../state/resources-in.js';
import { loadSnapshot } from '../state/snapshot.js';
import type { AttemptContext } from './attempt-context.js';
import type { OperationDependencies } from './dependencies.js';
import { isStateInStore } from './state-place.js';

/** Those of the state that a run left, else of the one before it; undefined when it can't be told. */
export async function trackedResources(
  { store, config }: Pick<OperationDependencies, 'store' | 'config'>,
  { request: { stackId }, saved }: Pick<AttemptContext, 'request' | 'saved'>,
  left: Content | undefined,
): Promise<ReadonlySet<string> | undefined> {
  const { engine, options } = saved.bundle.subject;
  if (!isStateInStore(config, options)) return undefined;
  try {
    const record = (await readRecord(store, stackId))?.record;
    const state = left ?? (await loadSnapshot(store, record ?? { stackId }));
    if (state === undefined) return new Set();
    return resourcesIn(engine, await wholeOf(state));
  } catch (error) {
    if (error instanceof CodedError && error.retryable) throw error;
    return undefined;
  }
}
