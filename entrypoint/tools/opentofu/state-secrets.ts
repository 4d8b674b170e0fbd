import type { Json } from '../../../src/contract/index.js';
import type { StateSummary } from './state-file.js';

interface PathStep {
  readonly type: string;
  readonly value: Json | { readonly value: Json };
}
interface Instance {
  readonly attributes?: Json;
  readonly sensitive_attributes?: readonly (readonly PathStep[])[];
}

/** The values that a state itself calls sensitive: outputs, and attributes at their marked paths. */
export function* stateSecrets(state: StateSummary): Generator<Json> {
  for (const output of Object.values(state.outputs ?? {}))
    if (output.sensitive === true) yield output.value;
  const { resources = [] } = state.content as {
    resources?: readonly { instances?: readonly Instance[] }[];
  };
  for (const resource of resources)
    for (const { attributes, sensitive_attributes: paths } of resource.instances ?? [])
      for (const path of paths ?? []) {
        const value = valueAt(attributes, path);
        if (value !== undefined) yield value;
      }
}

function valueAt(value: Json | undefined, path: readonly PathStep[]): Json | undefined {
  let found: unknown = value;
  for (const step of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    const { value: key } = step;
    found = (found as Record<string, unknown>)[String(withoutType(key))];
    found = withoutType(found);
  }
  return found as Json | undefined;
}

/** A dynamic value is written as `{value, type}`. */
function withoutType(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const names = Object.keys(value);
  return names.length === 2 && names.includes('type') && names.includes('value')
    ? (value as { value: unknown }).value
    : value;
}
