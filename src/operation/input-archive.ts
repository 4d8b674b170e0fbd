/** Inputs as they were asked for (references, not values), kept in the store beside a plan. */
import { parseJsonFast, stringifyJson, type Json } from '../contract/json.js';
import type { OperationInput } from '../contract/operation.js';
import { CodedError } from '../errors.js';
import { isMembers } from '../plan/inputs.js';
import type { Store } from '../store/open-store.js';

/** Stores inputs; returns their digest. */
export async function storeInputs(
  store: Store,
  inputs: Readonly<Record<string, Json>>,
): Promise<string> {
  return store.artefacts.put(Buffer.from(stringifyJson(inputs)));
}

/** Reads the inputs of an operation: inline, by archive digest, or none. Throws `InvalidInput`. */
export async function readInputs(
  store: Store,
  inputs: OperationInput['inputs'] | string,
): Promise<Record<string, Json>> {
  if (inputs === undefined) return {};
  const digest = typeof inputs === 'string' ? inputs : archiveOf(inputs);
  if (digest === undefined) return { ...(inputs as Record<string, Json>) };
  const value = parseJsonFast(Buffer.from(await store.artefacts.get(digest)).toString('utf8'));
  if (!isMembers(value)) {
    throw new CodedError('InvalidInput', `inputs.archive: ${digest} is not a JSON object`);
  }
  return { ...value };
}

function archiveOf(inputs: NonNullable<OperationInput['inputs']>): string | undefined {
  const names = Object.keys(inputs);
  const { archive } = inputs as { archive?: unknown };
  return names.length === 1 && typeof archive === 'string' && /^sha256:[0-9a-f]{64}$/.test(archive)
    ? archive
    : undefined;
}
