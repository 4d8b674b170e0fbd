/** `unlock`: releases a lock of the tool whose holder is gone, which only a person can know. */
import { CodedError } from '../../src/errors.js';
import { askForYes } from '../ask-for-decision.js';
import { addOperationFlags, operationInput, type OperationFlags } from '../operation-flags.js';
import type { RegisterCommand } from '../program.js';
import { runOperation } from '../run-operation.js';

export const registerUnlock: RegisterCommand = (program, run) => {
  const command = program
    .command('unlock <stack> <lock>')
    .description("release the tool's lock on a stack's state, and show what the state lacks")
    .option('-y, --yes', 'do not ask');
  addOperationFlags(command, { approval: false })
    .addHelpText(
      'after',
      `
For a lock whose holder is gone for good: the error StateLocked names holder, age and id. Who still works loses what
protects its state. Locks that dead containers of ours left are released without this. OpenTofu releases the lock with
that id and no other; Pulumi releases all locks of the stack. Then a preview of the refresh shows what is not in the state.

Examples:
  cldctl-iac unlock my-db 6f1c9c1e-6b0c-4b6e-9c55-0f5f3e3b1d2a
  cldctl-iac unlock my-db 6f1c9c1e-6b0c-4b6e-9c55-0f5f3e3b1d2a --yes`,
    )
    .action(
      run(
        async (context, stack: string, lock: string, flags: OperationFlags & { yes?: boolean }) => {
          if (flags.yes !== true) {
            if (!context.terminal.interactive)
              throw new CodedError(
                'InvalidInput',
                `nobody can be asked here whether the holder of lock ${lock} is gone; if it is: --yes`,
              );
            const question = `is the holder of lock ${lock} on ${stack} gone for good?`;
            if (!(await askForYes(question, context)))
              throw new CodedError('OperationCanceled', 'nothing was released');
          }
          const input = await operationInput('preview', stack, flags, context);
          return runOperation(
            { ...input, previewOf: 'refresh', options: { ...input.options, unlock: lock } },
            { until: flags.until },
            context,
          );
        },
      ),
    );
};
