/** `refresh`: reads what really exists, asks, and accepts it into the state. */
import { addOperationFlags, operationInput, type OperationFlags } from '../operation-flags.js';
import type { RegisterCommand } from '../program.js';
import { runOperation } from '../run-operation.js';

export const registerRefresh: RegisterCommand = (program, run) => {
  const command = program
    .command('refresh <stack>')
    .description('read what really exists, wait for approval, then accept it into the state');
  addOperationFlags(command, { approval: true })
    .addHelpText(
      'after',
      `
Examples:
  cldctl-iac refresh my-db
  cldctl-iac preview my-db --of refresh --detailed-exitcode     only look for drift`,
    )
    .action(
      run(async (context, stack: string, flags: OperationFlags) => {
        const input = await operationInput('refresh', stack, flags, context);
        return runOperation(input, { until: flags.until }, context);
      }),
    );
};
