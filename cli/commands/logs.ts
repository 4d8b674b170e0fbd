/** `logs`: what the steps of an operation printed. */
import type { RegisterCommand } from '../program.js';
import { operationLog, renderChunk } from '../operation-log.js';
import { operationTarget } from '../operation-target.js';
import { withClient } from '../with-client.js';

export const registerLogs: RegisterCommand = (program, run) => {
  program
    .command('logs <stack>')
    .description("what the steps of a stack's newest operation printed, secrets taken out")
    .option('-f, --follow', 'go on until the operation is over')
    .option('--run <id>', 'of this run instead of the newest')
    .option('--preview <workflow>', 'of this preview (its workflow id) instead')
    .option('--step <step>', 'of this step only: build, push, preview, apply, …')
    .addHelpText(
      'after',
      `
The log is read from the workers' HTTP endpoint, or from the store when this machine holds its key.
With --json: NDJSON, one line {at, step, text} a line.

Examples:
  cldctl-iac logs my-db
  cldctl-iac logs my-db --follow
  cldctl-iac logs my-db --step apply`,
    )
    .action(
      run(
        async (
          context,
          stack: string,
          flags: { follow?: boolean; run?: string; preview?: string; step?: string },
        ) => {
          const { terminal } = context;
          await withClient(context, async (client) => {
            for await (const chunk of operationLog(
              client,
              operationTarget(stack, flags),
              flags.follow === true,
              context,
            )) {
              const { step, lines, dropped } = chunk;
              if (flags.step !== undefined && flags.step !== step) continue;
              terminal.print(...renderChunk(chunk, terminal.style));
              if (dropped !== undefined) terminal.document({ step, dropped });
              for (const line of lines) terminal.document({ ...line, step });
            }
          });
        },
      ),
    );
};
