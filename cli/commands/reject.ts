/** `reject`: reject the plan that a stack waits with; nothing is done. */
import { addDecideFlags, decide, type DecideFlags } from '../decide.js';
import type { RegisterCommand } from '../program.js';

export const registerReject: RegisterCommand = (program, run) => {
  addDecideFlags(
    program
      .command('reject <stack>')
      .description('reject the plan that a stack waits with; nothing is done'),
  )
    .addHelpText(
      'after',
      `
On a terminal without --plan, the plan is shown and the question asked.

Examples:
  cldctl-iac reject my-db
  cldctl-iac reject my-db --plan 5d1c2e3f4a5b6c7d --comment 'ticket 4711'`,
    )
    .action(
      run((context, stack: string, flags: DecideFlags) => decide('reject', stack, flags, context)),
    );
};
