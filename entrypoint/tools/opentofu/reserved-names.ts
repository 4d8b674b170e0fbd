/** Inputs whose names OpenTofu keeps for module blocks: a module declares such a variable with an underscore behind it. */

/** Refused as variable names by OpenTofu (1.12: `internal/configs/module_call.go`). */
const RESERVED: ReadonlySet<string> = new Set([
  'count',
  'depends_on',
  'for_each',
  'lifecycle',
  'locals',
  'provider',
  'providers',
  'source',
  'version',
]);

/** The input that a variable answers to: `version_` to `version`, any other to its own name. */
export function inputName(variable: string): string {
  const bare = variable.slice(0, -1);
  return variable.endsWith('_') && RESERVED.has(bare) ? bare : variable;
}

/** The variable that takes an input. */
export function variableName(input: string): string {
  return RESERVED.has(input) ? `${input}_` : input;
}
