/** Looks references up: secrets in the worker's sources, outputs in the records of other stacks. */
import { CodedError } from '../errors.js';
import { readRecord } from '../stack/record.js';
import type { Store } from '../store/open-store.js';
import type { ReferenceResolver } from './references.js';
import { resolveSecret, type SecretSource } from './sources.js';

/** A resolver over a store and secret sources; it reads at the moment of use and keeps nothing. */
export function createReferenceResolver(deps: {
  readonly store: Store;
  readonly sources: readonly SecretSource[];
}): ReferenceResolver {
  return {
    secret: (name) => resolveSecret(deps.sources, name),
    output: async (stack, name) => {
      const found = await readRecord(deps.store, stack);
      if (!found) {
        throw new CodedError(
          'StackNotFound',
          `an input refers to stack ${stack}, which was never applied`,
        );
      }
      const { outputs = {} } = found.record;
      const output = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
      if (!output) {
        throw new CodedError(
          'InvalidInput',
          `an input refers to output ${name} of stack ${stack}, which has no such output`,
        );
      }
      return { value: output.value, sensitive: output.sensitive === true };
    },
  };
}
