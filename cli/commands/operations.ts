/** `operations`: operations, newest first, from Temporal's visibility store. */
import { Option } from 'commander';
import type { OperationFilter, OperationSummary } from '../../src/client/index.js';
import { phaseSchema } from '../../src/contract/operation.js';
import { wholeNumber } from '../operation-flags.js';
import type { RegisterCommand } from '../program.js';
import { renderTable } from '../render/table.js';
import { withClient } from '../with-client.js';

const STATUSES = ['running', 'completed', 'failed', 'canceled', 'terminated', 'timed-out'] as const;

export const registerOperations: RegisterCommand = (program, run) => {
  program
    .command('operations')
    .description('list operations, newest first')
    .option('--stack <stack>', 'of this stack')
    .addOption(new Option('--status <status>', 'in this status').choices(STATUSES))
    .addOption(new Option('--phase <phase>', 'in this phase').choices(phaseSchema.options))
    .option('--outcome <outcome>', 'that ended so')
    .option('--query <query>', 'that match a Temporal list filter')
    .option('--limit <n>', 'at most so many', wholeNumber, 50)
    .addHelpText(
      'after',
      `
With --json: NDJSON, one operation a line.

Examples:
  cldctl-iac operations --phase awaiting-approval
  cldctl-iac operations --stack my-db --limit 5`,
    )
    .action(
      run(
        async (
          context,
          { stack, ...flags }: Omit<OperationFilter, 'stackId'> & { stack?: string; limit: number },
        ) => {
          const { terminal } = context;
          await withClient(context, async (client) => {
            const rows: OperationSummary[] = [];
            const filter = { ...flags, ...(stack === undefined ? {} : { stackId: stack }) };
            for await (const row of client.list(filter)) {
              terminal.document(row);
              rows.push(row);
            }
            if (rows.length === 0) terminal.print('no operations');
            else
              terminal.print(
                ...renderTable(
                  ['STACK', 'OPERATION', 'STATUS', 'PHASE', 'STARTED', 'BY'],
                  rows.map((row) => [
                    row.stackId ?? row.workflowId,
                    row.operation ?? '',
                    row.outcome ?? row.status,
                    row.status === 'running' ? (row.phase ?? '') : '',
                    row.startedAt.toISOString().slice(0, 19).replace('T', ' '),
                    row.requestedBy ?? '',
                  ]),
                  terminal.style,
                ),
              );
          });
        },
      ),
    );
};
