import type { ModuleDescription, ModuleRequest } from '../../src/contract/index.js';
import { FailureError } from '../failure-error.js';

/**
 * Throws `InvalidInput` naming every input that is missing or not declared by the module, before anything starts. A Pulumi program may
 * read keys that its project doesn't declare, by names of more than one form: that engine checks by itself.
 */
export function checkInputs(request: ModuleRequest, description: ModuleDescription): void {
  if (description.engine === 'pulumi') return;
  const inputs = request.inputs ?? {};
  const declared = Object.entries(description.variables);
  const missing = needsInputs(request)
    ? declared.filter(([name, variable]) => variable.required && !Object.hasOwn(inputs, name))
    : [];
  const unknown = Object.keys(inputs).filter((name) => !Object.hasOwn(description.variables, name));
  const issues = [
    ...missing.map(([name]) => `input "${name}" is required and missing`),
    ...unknown.map((name) => `input "${name}" is not declared by the module`),
  ];
  if (issues.length === 0) return;
  const known = declared.map(([name]) => name).join(', ');
  throw new FailureError(
    'InvalidInput',
    `${issues.join('; ')} (the module takes: ${known === '' ? 'nothing' : known})`,
    { issues },
  );
}

/** An approved plan carries its inputs, so that what is not given again is taken from it. */
function needsInputs(request: ModuleRequest): boolean {
  return request.action === 'preview' || request.plan === undefined;
}
