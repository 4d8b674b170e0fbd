/** `preview`: what an operation would do, without a lock and without doing it. */
import { Option } from 'commander';
import { addOperationFlags, operationInput, type OperationFlags } from '../operation-flags.js';
import type { RegisterCommand } from '../program.js';
import { runOperation } from '../run-operation.js';

const OPERATIONS = ['apply', 'destroy', 'refresh'] as const;

export const registerPreview: RegisterCommand = (program, run) => {
  const command = program
    .command('preview <stack>')
    .description('show what an operation would do; takes no lock and changes nothing')
    .addOption(
      new Option('--of <operation>', 'what to preview').choices(OPERATIONS).default('apply'),
    )
    .option('--detailed-exitcode', 'exit with 10 when there are changes');
  addOperationFlags(command, { approval: false })
    .addHelpText(
      'after',
      `
Examples:
  cldctl-iac preview my-db --module ./examples/postgres --input name=my-db
  cldctl-iac preview my-db --of destroy
  cldctl-iac preview my-db --detailed-exitcode --json | jq .plan.summary`,
    )
    .action(
      run(
        async (
          context,
          stack: string,
          flags: OperationFlags & { of: (typeof OPERATIONS)[number]; detailedExitcode?: boolean },
        ) => {
          const input = await operationInput('preview', stack, flags, context);
          return runOperation(
            flags.of === 'apply' ? input : { ...input, previewOf: flags.of },
            { until: flags.until, detailedExitCode: flags.detailedExitcode ?? false },
            context,
          );
        },
      ),
    );
};
