/** `approve`: approve exactly the plan that a stack waits with. */
import { addDecideFlags, decide, type DecideFlags } from '../decide.js';
import type { RegisterCommand } from '../program.js';

export const registerApprove: RegisterCommand = (program, run) => {
  addDecideFlags(
    program
      .command('approve <stack>')
      .description('approve exactly the plan that a stack waits with'),
  )
    .addHelpText(
      'after',
      `
On a terminal without --plan, the plan is shown and the question asked.

Examples:
  cldctl-iac approve my-db
  cldctl-iac approve my-db --plan 5d1c2e3f4a5b6c7d --comment 'ticket 4711'`,
    )
    .action(
      run((context, stack: string, flags: DecideFlags) => decide('approve', stack, flags, context)),
    );
};
