/** Inputs that are too large for a request, made readable for the workers of the store. */
import { tooLarge } from '../src/contract/input-limit.js';
import type { Json } from '../src/contract/json.js';
import type { CommandContext } from './command-context.js';

/** The inputs themselves, or the digest they have in the store. */
export async function inlineOrStored(
  inputs: Record<string, Json> | undefined,
  context: CommandContext,
): Promise<Record<string, Json> | { readonly archive: string } | undefined> {
  if (inputs === undefined || tooLarge(inputs) === undefined) return inputs;
  const [{ withStore }, { storeInputs }] = await Promise.all([
    import('./with-store.js'),
    import('../src/operation/input-archive.js'),
  ]);
  return { archive: await withStore(context, (store) => storeInputs(store, inputs)) };
}
