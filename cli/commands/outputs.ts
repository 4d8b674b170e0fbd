/** `outputs`: what a stack gives; sensitive values only to who holds the store's key. */
import { stringifyJson, type Json } from '../../src/contract/json.js';
import { CodedError } from '../../src/errors.js';
import type { RegisterCommand } from '../program.js';
import { renderOutputs } from '../render/outputs.js';
import { withClient } from '../with-client.js';
import { withStore } from '../with-store.js';

interface StackOutput {
  readonly value?: Json | undefined;
  readonly sensitive?: boolean | undefined;
}

export const registerOutputs: RegisterCommand = (program, run) => {
  program
    .command('outputs <stack> [name]')
    .description("a stack's outputs, or the bare value of one")
    .option('--show-sensitive', 'sensitive values too, read from the store (needs its key)')
    .addHelpText(
      'after',
      `
Examples:
  cldctl-iac outputs my-db
  PORT=$(cldctl-iac outputs my-db port)
  psql "$(cldctl-iac outputs my-db url --show-sensitive)"`,
    )
    .action(
      run(
        async (
          context,
          stack: string,
          name: string | undefined,
          flags: { showSensitive?: boolean },
        ) => {
          const { terminal } = context;
          const outputs: Readonly<Record<string, StackOutput>> =
            flags.showSensitive === true
              ? await withStore(context, async (store) =>
                  (await import('../read-outputs.js')).readOutputs(store, stack),
                )
              : await withClient(context, (client) => client.outputs(stack));
          if (name === undefined) {
            terminal.print(...renderOutputs(outputs, terminal.style));
            terminal.document(outputs);
            return;
          }
          const output = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
          if (output === undefined)
            throw new CodedError(
              'InvalidInput',
              `${stack} has no output ${JSON.stringify(name)}; it has: ${Object.keys(outputs).sort().join(', ') || 'none'}`,
            );
          if (output.value === undefined)
            throw new CodedError(
              'InvalidInput',
              `output ${name} of ${stack} is sensitive; who holds the store's key sees it with --show-sensitive`,
            );
          const { value } = output;
          terminal.print(typeof value === 'string' ? value : stringifyJson(value));
          terminal.document(output);
        },
      ),
    );
};
