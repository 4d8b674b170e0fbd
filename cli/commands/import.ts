/** `import`: brings objects that exist already under a stack's management. */
import type { ImportMapping } from '../../src/contract/request.js';
import { CodedError } from '../../src/errors.js';
import { addOperationFlags, operationInput, type OperationFlags } from '../operation-flags.js';
import type { RegisterCommand } from '../program.js';
import { runOperation } from '../run-operation.js';

export const registerImport: RegisterCommand = (program, run) => {
  const command = program
    .command('import <stack> <mapping...>')
    .description('bring existing objects under management: ADDRESS=ID, or TYPE,NAME=ID for Pulumi');
  addOperationFlags(command, { approval: true })
    .addHelpText(
      'after',
      `
Examples:
  cldctl-iac import my-db docker_volume.data=my-db-data
  cldctl-iac import site 'aws:s3/bucket:Bucket,logs=my-log-bucket'`,
    )
    .action(
      run(async (context, stack: string, mappings: string[], flags: OperationFlags) => {
        const imports = mappings.map(parseMapping);
        const input = await operationInput('import', stack, flags, context);
        return runOperation({ ...input, imports }, { until: flags.until }, context);
      }),
    );
};

/** `ADDRESS=ID` or `TYPE,NAME=ID`; an address may hold `=` only inside a quoted key. Throws `InvalidInput`. */
export function parseMapping(text: string): ImportMapping {
  const match = /^((?:[^="]|"(?:[^"\\]|\\.)*")+)=(.+)$/s.exec(text);
  const [, where = '', id = ''] = match ?? [];
  if (match === null)
    throw new CodedError(
      'InvalidInput',
      `import mapping ${JSON.stringify(text)} is neither ADDRESS=ID nor TYPE,NAME=ID`,
    );
  const pulumi = /^([^,["]+),([^,]+)$/.exec(where);
  if (pulumi?.[1] !== undefined && pulumi[2] !== undefined)
    return { type: pulumi[1], name: pulumi[2], id };
  return { address: where, id };
}
