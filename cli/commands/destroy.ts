/** `destroy`: plans the removal of everything in the stack, asks, and carries it out. */
import { addOperationFlags, operationInput, type OperationFlags } from '../operation-flags.js';
import type { RegisterCommand } from '../program.js';
import { runOperation } from '../run-operation.js';

export const registerDestroy: RegisterCommand = (program, run) => {
  const command = program
    .command('destroy <stack>')
    .description(
      'plan the removal of everything in the stack, wait for approval, then carry it out',
    );
  addOperationFlags(command, { approval: true })
    .addHelpText(
      'after',
      `
Examples:
  cldctl-iac destroy my-db
  cldctl-iac destroy my-db --target docker_container.server`,
    )
    .action(
      run(async (context, stack: string, flags: OperationFlags) => {
        const input = await operationInput('destroy', stack, flags, context);
        return runOperation(input, { until: flags.until }, context);
      }),
    );
};
