import type { Json, ModuleDescription } from '../../../src/contract/index.js';
import { parseJsonFast } from '../../../src/contract/json.js';
import { FailureError } from '../../failure-error.js';
import { assignedNames } from './assigned-names.js';
import { inputName } from './reserved-names.js';

interface VariableJson {
  readonly type?: Json;
  readonly description?: string;
  readonly required?: boolean;
  readonly default?: Json;
  readonly sensitive?: boolean;
  readonly ephemeral?: boolean;
}
interface OutputJson {
  readonly sensitive?: boolean;
  readonly description?: string;
}

/**
 * What a module takes and gives, from `tofu show -json -module=DIR`. A variable that the module's own variable files set is not required.
 * Throws `InvalidModule` with the tool's words when the text is not its JSON.
 */
export function describeOpentofuModule(
  text: string,
  directory: string,
  errorText: string,
): ModuleDescription {
  let root: { variables?: Record<string, VariableJson>; outputs?: Record<string, OutputJson> };
  try {
    root = (parseJsonFast(text) as unknown as { root_module: typeof root }).root_module;
  } catch {
    const reason = errorText.replace(/\s+/g, ' ').trim();
    throw new FailureError(
      'InvalidModule',
      `the module can't be read: ${reason === '' ? 'tofu gave no description' : reason.slice(0, 500)}`,
    );
  }
  const assigned = assignedNames(directory);
  const variables = Object.entries(root.variables ?? {}).map(
    ([name, { type, description, required, default: preset, sensitive, ephemeral }]) => [
      inputName(name),
      {
        required: required === true && !assigned.has(name),
        ...(type === undefined ? {} : { type }),
        ...(description === undefined ? {} : { description }),
        ...(preset === undefined ? {} : { default: preset }),
        ...(sensitive === true ? { sensitive } : {}),
        ...(ephemeral === true ? { ephemeral } : {}),
      },
    ],
  );
  const outputs = Object.entries(root.outputs ?? {}).map(([name, { sensitive, description }]) => [
    name,
    {
      ...(sensitive === true ? { sensitive } : {}),
      ...(description === undefined ? {} : { description }),
    },
  ]);
  return {
    engine: 'opentofu',
    variables: Object.fromEntries(variables) as ModuleDescription['variables'],
    outputs: Object.fromEntries(outputs) as ModuleDescription['outputs'],
  };
}
