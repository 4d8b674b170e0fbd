/** Making an earlier or foreign state a stack's next version. */
import { CodedError } from '../src/errors.js';
import { readRecord, updateRecord } from '../src/stack/record.js';
import { prepareRestore } from '../src/state/restore.js';
import { exportVersion, loadSnapshot, storeVersion, withSnapshot } from '../src/state/snapshot.js';
import type { Store } from '../src/store/open-store.js';

export interface RestoreOptions {
  readonly acceptOtherLineage: boolean;
  readonly by: string;
}

/**
 * Stores a state (bytes, or the number of an earlier version) as the newest version and names it in the record.
 * Throws `StackNotFound`, `StackBusy` while a mutating run is open, and what `prepareRestore` throws.
 */
export async function restoreState(
  store: Store,
  stackId: string,
  source: Uint8Array | number,
  options: RestoreOptions,
): Promise<{ readonly version: number }> {
  const found = await readRecord(store, stackId);
  const engine = found?.record.engine;
  if (found === undefined || engine === undefined)
    throw new CodedError('StackNotFound', `the store ${store.url} has no stack ${stackId}`);
  const bytes =
    typeof source === 'number' ? (await exportVersion(store, stackId, source)).bytes : source;
  // A damaged current state is what people restore from: then there is nothing to compare with.
  const current = await loadSnapshot(store, found.record).catch((error: unknown) => {
    if (error instanceof CodedError && error.code === 'StateDamaged') return undefined;
    throw error;
  });
  const { bytes: restored, description } = prepareRestore(engine, bytes, current, {
    acceptOtherLineage: options.acceptOtherLineage,
  });
  const stored = await storeVersion(store, stackId, restored, {
    engine,
    ...description,
    operation: 'restore',
    by: options.by,
    at: new Date().toISOString(),
  });
  await updateRecord(store, stackId, (record) => {
    if (record?.openRun !== undefined)
      throw new CodedError(
        'StackBusy',
        `${record.openRun.operation} of ${stackId} is under way (${record.openRun.workflowId}); wait for it, then restore`,
      );
    if (record === undefined)
      throw new CodedError('StackNotFound', `the record of ${stackId} is gone`);
    return withSnapshot(record, stored);
  });
  return stored;
}
