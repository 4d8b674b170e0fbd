/** `demo`: the whole way once, from nothing to a PostgreSQL server and back. */
import type { RegisterCommand } from '../program.js';

export const registerDemo: RegisterCommand = (program, run) => {
  program
    .command('demo')
    .description(
      'set up a local system, deploy a PostgreSQL server with it, and take it all away again',
    )
    .option('-y, --yes', 'approve every plan without asking')
    .addHelpText(
      'after',
      `
Without a terminal the demo approves its plans by itself, as with --yes; no other command ever does.
A running Docker engine is used; TEMPORAL_ADDRESS names a Temporal server to use instead of an embedded one.

Examples:
  cldctl-iac demo
  cldctl-iac demo --yes`,
    )
    .action(
      run(async (context, flags: { yes?: boolean }) => {
        const { runDemo } = await import('../demo/run-demo.js');
        return runDemo(flags.yes === true, context);
      }),
    );
};
