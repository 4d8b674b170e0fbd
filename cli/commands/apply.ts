/** `apply`: plans, asks for approval of exactly that plan, and carries it out. */
import { addOperationFlags, operationInput, type OperationFlags } from '../operation-flags.js';
import type { RegisterCommand } from '../program.js';
import { runOperation } from '../run-operation.js';

export const registerApply: RegisterCommand = (program, run) => {
  const command = program
    .command('apply <stack>')
    .description('plan, wait for approval of exactly that plan, then carry it out');
  addOperationFlags(command, { approval: true })
    .addHelpText(
      'after',
      `
Without a terminal it waits until someone approves (cldctl-iac approve, the Temporal UI, or a service).

Examples:
  cldctl-iac apply my-db --module ./examples/postgres --input name=my-db --input version=16 --docker-socket
  cldctl-iac apply my-db --module registry.example.com/postgres:1.2 --inputs inputs.json
  cldctl-iac apply my-db --input 'replicas:=3' --input 'tags:={"team":"data"}'
  cldctl-iac apply my-db --plan 5d1c2e3f4a5b6c7d        apply a saved preview`,
    )
    .action(
      run(async (context, stack: string, flags: OperationFlags) => {
        const input = await operationInput('apply', stack, flags, context);
        return runOperation(input, { until: flags.until }, context);
      }),
    );
};
