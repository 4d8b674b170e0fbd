/** Inputs against what the module declares, before anything is started for them. */
import type { OperationInput } from '../contract/operation.js';
import { CodedError } from '../errors.js';
import { findReferences } from '../secrets/references.js';
import type { OperationDependencies } from './dependencies.js';
import { readInputs } from './input-archive.js';
import type { ResolvedImage } from './types.js';

/**
 * Throws `InvalidInput` that names every missing and every undeclared input, and malformed references.
 * An image that was not prepared declares nothing; a Pulumi program may read keys that it does not declare.
 */
export async function checkInputs(
  dependencies: Pick<OperationDependencies, 'store' | 'describe'>,
  image: ResolvedImage,
  input: Pick<OperationInput, 'inputs' | 'module'>,
): Promise<void> {
  // Without a module the stack's last image and inputs are used.
  if (input.module === undefined && input.inputs === undefined) return;
  const inputs = await readInputs(dependencies.store, input.inputs);
  findReferences(inputs);
  const description = await dependencies.describe(image.imageId);
  if (description === undefined) return;
  const { variables, project } = description;
  // A Pulumi key can also be named with its project.
  const given = (name: string): boolean =>
    Object.hasOwn(inputs, name) || Object.hasOwn(inputs, `${project ?? ''}:${name}`);
  const missing = Object.keys(variables).filter(
    (name) => variables[name]?.required === true && !given(name),
  );
  const undeclared =
    description.engine === 'opentofu'
      ? Object.keys(inputs).filter((name) => !Object.hasOwn(variables, name))
      : [];
  const issues = [
    ...missing.map((name) => `inputs.${name}: the module requires it`),
    ...undeclared.map((name) => `inputs.${name}: the module does not declare it`),
  ];
  if (issues.length === 0) return;
  const declared = Object.keys(variables).sort().join(', ') || 'nothing';
  throw new CodedError('InvalidInput', `${issues.join('; ')} (it declares ${declared})`, {
    detail: { issues },
  });
}
