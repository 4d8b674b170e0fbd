/** `cancel`: ends a stack's running operation, gently or by force. */
import { EXIT_CODE } from '../exit-code.js';
import type { RegisterCommand } from '../program.js';
import { whoTypes, withClient } from '../with-client.js';

export const registerCancel: RegisterCommand = (program, run) => {
  program
    .command('cancel <stack>')
    .description('end the running operation: the tool is interrupted once and saves its state')
    .option('--force', 'kill the running container at once (state since its last save may be lost)')
    .option('--reason <text>', 'why, for the record')
    .option('--no-wait', 'return when Temporal has the request')
    .addHelpText(
      'after',
      `
Examples:
  cldctl-iac cancel my-db
  cldctl-iac cancel my-db --force --reason 'the provider hangs'`,
    )
    .action(
      run(
        async (
          context,
          stack: string,
          flags: { force?: boolean; reason?: string; wait: boolean },
        ) => {
          const { terminal, signal } = context;
          await withClient(context, async (client) => {
            const { workflowId, runId } = await client.describe(stack);
            const target = { workflowId, runId };
            let message = `asked ${stack} to end`;
            if (flags.force === true)
              message = (
                await client.kill(target, {
                  reason: flags.reason ?? 'cancel --force',
                  by: whoTypes(),
                })
              ).message;
            else await client.cancel(target);
            terminal.note(message);
            if (!flags.wait) {
              terminal.document({ stackId: stack, ...target, message });
              return;
            }
            terminal.progress.start('end', `waiting for ${stack} to end`);
            // However it ends, it has ended: that is all this command is about.
            const end = await client.result(target, { signal }).then(
              (result) => ({ outcome: result.outcome as string }),
              (error: unknown) => {
                signal.throwIfAborted();
                return { outcome: (error as { code?: string }).code ?? 'failed' };
              },
            );
            terminal.progress.end('end', 'done');
            terminal.print(`${stack} ended: ${end.outcome}`);
            terminal.document({ stackId: stack, ...target, message, ...end });
          });
          return EXIT_CODE.done;
        },
      ),
    );
};
