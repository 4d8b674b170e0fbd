/** The file that tells `pulumi import` what to take over. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringifyJson, type ImportMapping } from '../../../src/contract/index.js';
import { FailureError } from '../../failure-error.js';
import type { WorkspacePaths } from '../../locations.js';
import type { Deployment } from './checkpoint.js';

/** Writes the file; returns its path. A URN as address stands for its type and name. Throws `InvalidInput`. */
export function writeImportFile(
  paths: WorkspacePaths,
  imports: readonly ImportMapping[],
  deployment: Deployment | undefined,
): string {
  if (imports.length === 0)
    throw new FailureError(
      'InvalidInput',
      'imports: an import needs at least one type, name and id',
    );
  const resources = imports.map((mapping) => {
    const { type, name } = 'address' in mapping ? typeAndName(mapping.address) : mapping;
    const other = deployment?.resources?.find(
      ({ urn, id }) => urn.endsWith(`${type}::${name}`) && id !== undefined && id !== mapping.id,
    );
    if (other !== undefined)
      throw new FailureError(
        'InvalidInput',
        `imports: ${type} ${name} is in the state already, with id ${other.id}`,
      );
    return { type, name, id: mapping.id };
  });
  const path = join(paths.temporary, 'import.json');
  writeFileSync(path, stringifyJson({ resources }), { mode: 0o600 });
  return path;
}

/** `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`, or `TYPE::NAME`. */
function typeAndName(address: string): { type: string; name: string } {
  const parts = address.replace(/^urn:pulumi:[^:]*::[^:]*::/, '').split('::');
  const [qualified, ...name] = parts;
  if (qualified === undefined || name.length === 0)
    throw new FailureError(
      'InvalidInput',
      `imports: "${address}" is neither a URN nor type::name; send type and name`,
    );
  return { type: qualified.split('$').at(-1) ?? qualified, name: name.join('::') };
}
