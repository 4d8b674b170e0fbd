import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  stringifyJson,
  type Json,
  type ModuleDescription,
  type ModuleRequest,
} from '../../../src/contract/index.js';
import type { WorkspacePaths } from '../../locations.js';
import { variableName } from './reserved-names.js';

const DEFAULTS = 'defaults.tfvars.json';
const INPUTS = 'inputs.tfvars.json';

/**
 * Writes the variable files and returns their arguments, lowest precedence first: the declared defaults, the module's own
 * `terraform.tfvars` and `*.auto.tfvars` in the order OpenTofu reads them, the inputs. A variable left at its default at the preview
 * could be given another value at the apply without a word; one that was set can't.
 */
export function variableArguments(
  paths: WorkspacePaths,
  request: ModuleRequest,
  description: ModuleDescription,
): string[] {
  // An approved plan without inputs keeps those of its preview.
  if (request.plan !== undefined && request.inputs === undefined) return [];
  const defaults = Object.entries(description.variables).flatMap(
    ([name, variable]): [string, Json][] =>
      variable.default === undefined ? [] : [[name, variable.default]],
  );
  const files = [
    write(paths, DEFAULTS, Object.fromEntries(defaults)),
    ...ownVariableFiles(paths.module),
    write(paths, INPUTS, request.inputs ?? {}),
  ];
  return files.map((file) => `-var-file=${file}`);
}

/** Variable files that OpenTofu reads by itself, in its order. */
export function ownVariableFiles(directory: string): string[] {
  const names = readdirSync(directory).sort();
  const fixed = ['terraform.tfvars', 'terraform.tfvars.json'].filter((name) =>
    names.includes(name),
  );
  return [...fixed, ...names.filter((name) => /\.auto\.tfvars(\.json)?$/.test(name))];
}

function write(paths: WorkspacePaths, name: string, values: Record<string, Json>): string {
  const path = join(paths.temporary, name);
  const named = Object.entries(values).map(([input, value]) => [variableName(input), value]);
  writeFileSync(path, stringifyJson(Object.fromEntries(named)), { mode: 0o600 });
  return path;
}
