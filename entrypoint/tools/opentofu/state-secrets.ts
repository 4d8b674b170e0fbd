import type { Json } from '../../../src/contract/index.js';
import type { Redactor } from '../../redact/redactor.js';
import type { StateSummary } from './state-file.js';

interface PathStep {
  readonly type: string;
  readonly value: Json | { readonly value: Json };
}
interface Instance {
  readonly attributes?: Json;
  readonly sensitive_attributes?: readonly (readonly PathStep[])[];
}

/** More would make every line slow. */
const MOST = 500;
/** A short word that some attribute hides is in many harmless places. */
const SHORTEST = 8;

/**
 * Makes a redactor know what a state calls sensitive: OpenTofu hides a value only at the attribute that is marked, and prints copies of
 * it (the `output` of a `terraform_data`, an error message) in clear.
 */
export function addStateSecrets(redactor: Redactor, state: StateSummary): void {
  let count = 0;
  for (const value of stateSecrets(state)) {
    if (typeof value === 'string' && value.length < SHORTEST) continue;
    if ((count += 1) > MOST) return;
    redactor.add(value);
  }
}

/** The values that a state calls sensitive: outputs, and attributes at their marked paths. */
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
