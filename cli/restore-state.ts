/** Making an earlier or foreign state a stack's next version. */
import { wholeOf } from '../src/content.js';
import { CodedError } from '../src/errors.js';
import { newRecord, readRecord, updateRecord, type StackRecord } from '../src/stack/record.js';
import { describeState, engineOfState, type StateDescription } from '../src/state/describe.js';
import { prepareRestore } from '../src/state/restore.js';
import { exportVersion, loadSnapshot, storeVersion, withSnapshot } from '../src/state/snapshot.js';
import type { Store } from '../src/store/open-store.js';

/** What a restore replaces, and by what; `from` is absent for a stack that comes in. */
export interface StateChange {
  readonly from: StateDescription | undefined;
  readonly to: StateDescription;
}

export interface RestoreOptions {
  readonly acceptOtherLineage: boolean;
  readonly by: string;
  /** Passphrase of the secrets in a Pulumi state that comes from elsewhere. */
  readonly passphrase?: string;
  /** Asked before anything is written; false leaves everything as it is. */
  approve(change: StateChange): Promise<boolean>;
}

/**
 * Stores a state (bytes, or the number of an earlier version) as the newest version and names it in the record; bytes may
 * also begin a stack. Undefined when it was not approved. Throws `StackNotFound`, `StackBusy` while a mutating run is open
 * or when the state changed meanwhile, `StateDamaged`, and what `prepareRestore` throws.
 */
export async function restoreState(
  store: Store,
  stackId: string,
  source: Uint8Array | number,
  options: RestoreOptions,
): Promise<{ readonly version: number } | undefined> {
  const found = (await readRecord(store, stackId))?.record;
  if (found === undefined && typeof source === 'number')
    throw new CodedError('StackNotFound', `the store ${store.url} has no stack ${stackId}`);
  const bytes =
    typeof source === 'number'
      ? await wholeOf((await exportVersion(store, stackId, source)).content)
      : source;
  const engine = found?.engine ?? engineOfState(bytes);
  if (engine === undefined)
    throw new CodedError('InvalidInput', 'this is neither an OpenTofu nor a Pulumi state');
  const current = await currentState(store, stackId, found);
  const { bytes: restored, description } = prepareRestore(engine, bytes, current, {
    acceptOtherLineage: options.acceptOtherLineage,
  });
  const from = current === undefined ? undefined : describeState(engine, current);
  if (!(await options.approve({ from, to: description }))) return undefined;
  refuseBusy(stackId, found);
  if (options.passphrase !== undefined)
    await (await store.stackKey(stackId)).setPulumiPassphrase(options.passphrase);
  const at = new Date().toISOString();
  const stored = await storeVersion(store, stackId, restored, {
    engine,
    ...description,
    operation: 'restore',
    by: options.by,
    at,
  });
  await updateRecord(store, stackId, (record) => {
    refuseBusy(stackId, record);
    if (JSON.stringify(record?.state) !== JSON.stringify(found?.state))
      throw new CodedError(
        'StackBusy',
        `the state of ${stackId} changed meanwhile; look at it, then restore again`,
      );
    return { ...withSnapshot(record ?? newRecord(stackId, at), stored), engine };
  });
  return stored;
}

/** A damaged state of a known stack is what people restore from: then there is nothing to compare with. */
async function currentState(
  store: Store,
  stackId: string,
  record: StackRecord | undefined,
): Promise<Uint8Array | undefined> {
  try {
    const content = await loadSnapshot(store, record ?? { stackId });
    return content && (await wholeOf(content));
  } catch (error) {
    const isDamaged = error instanceof CodedError && error.code === 'StateDamaged';
    if (isDamaged && record !== undefined) return undefined;
    throw error;
  }
}

function refuseBusy(stackId: string, record: StackRecord | undefined): void {
  const open = record?.openRun;
  if (open === undefined) return;
  throw new CodedError(
    'StackBusy',
    `${open.operation} of ${stackId} is under way (${open.workflowId}); wait for it, then restore`,
  );
}
