/** One stack's output as another's input: looked up in the record, never through a workflow. */
import { CodedError } from '../errors.js';
import { findReferences, type ReferenceResolver } from '../secrets/references.js';
import { readRecord } from '../stack/record.js';
import type { Store } from '../store/open-store.js';
import { readInputs } from './input-archive.js';

/**
 * Reads outputs for the inputs of `stackId`. The returned function throws `StackNotFound`, and `InvalidInput` for an output
 * that is not there and for a circle: stacks that were applied with each other's outputs would never come to rest.
 */
export function outputReader(store: Store, stackId: string): ReferenceResolver['output'] {
  return async (stack, name) => {
    const found = await readRecord(store, stack);
    if (found === undefined) {
      throw new CodedError(
        'StackNotFound',
        `there is no stack ${stack}, whose output ${name} an input refers to`,
      );
    }
    const circle = await pathTo(store, stack, stackId);
    if (circle !== undefined) {
      throw new CodedError(
        'InvalidInput',
        `output ${name} of stack ${stack} can't be an input of ${stackId}: that is a circle (${[stackId, ...circle].join(' -> ')})`,
      );
    }
    const { outputs = {} } = found.record;
    const output = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
    if (output === undefined) {
      const known = Object.keys(outputs).join(', ') || 'none';
      throw new CodedError(
        'InvalidInput',
        `stack ${stack} has no output ${name}; it has: ${known}`,
      );
    }
    return { value: output.value, sensitive: output.sensitive === true };
  };
}

/** The chain of stacks from one to another by the outputs that each was last applied with; undefined when there is none. */
async function pathTo(store: Store, from: string, to: string): Promise<string[] | undefined> {
  const seen = new Set<string>();
  const waiting = [[from]];
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    const stack = path.at(-1) ?? '';
    if (stack === to) return path;
    if (seen.has(stack)) continue;
    seen.add(stack);
    for (const next of await stacksReadBy(store, stack)) waiting.push([...path, next]);
  }
  return undefined;
}

async function stacksReadBy(store: Store, stackId: string): Promise<Set<string>> {
  const inputsRef = (await readRecord(store, stackId))?.record.lastApplied?.inputsRef;
  if (inputsRef === undefined) return new Set();
  const references = findReferences(await readInputs(store, inputsRef));
  return new Set(references.flatMap((found) => (found.kind === 'output' ? [found.stack] : [])));
}
