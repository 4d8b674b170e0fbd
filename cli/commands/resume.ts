/** `resume`: goes on after a run that was lost. */
import { resumeInput } from '../../src/client/resume-input.js';
import { addResumeFlags, operationInput, type OperationFlags } from '../operation-flags.js';
import type { RegisterCommand } from '../program.js';
import { runOperation } from '../run-operation.js';
import { withClient } from '../with-client.js';

export const registerResume: RegisterCommand = (program, run) => {
  const command = program
    .command('resume <stack>')
    .description('after a run that was lost: look at what is there, plan the rest, always ask');
  addResumeFlags(command)
    .addHelpText(
      'after',
      `
Module, inputs and options are those of the run that was lost. The plan shows what that run is known to have done; nothing is carried out
before a person has approved it. To change something, start an apply instead: it asks as well.

Examples:
  cldctl-iac resume my-db
  cldctl-iac resume my-db --memory 4g --reason 'it ran out of memory'`,
    )
    .action(
      run(async (context, stack: string, flags: OperationFlags) => {
        const view = await withClient(context, (client) => client.stack(stack));
        const { operation } = resumeInput(view);
        const input = await operationInput(operation, stack, flags, context);
        return runOperation({ ...input, resume: true }, { until: flags.until }, context);
      }),
    );
};
