/** Outputs of a stack with their sensitive values, from the record in the store. */
import type { OutputValue } from '../src/contract/response.js';
import { CodedError } from '../src/errors.js';
import { readRecord } from '../src/stack/record.js';
import type { Store } from '../src/store/open-store.js';

/** All outputs of the last apply. Throws `StackNotFound`. */
export async function readOutputs(
  store: Store,
  stackId: string,
): Promise<Readonly<Record<string, OutputValue>>> {
  const found = await readRecord(store, stackId);
  if (found === undefined)
    throw new CodedError('StackNotFound', `the store ${store.url} has no stack ${stackId}`);
  return found.record.outputs ?? {};
}
