/** `list`: stacks with what was done last and what runs; from their records, so that it needs no workflow history. */
import type { OperationSummary, StackSummary } from '../../src/client/index.js';
import type { RegisterCommand } from '../program.js';
import { renderTable } from '../render/table.js';
import { withClient } from '../with-client.js';

/** Most running operations that are looked up for the table. */
const RUNNING = 1000;

export const registerList: RegisterCommand = (program, run) => {
  program
    .command('list')
    .description(
      'list stacks: what was done last, what runs, where drift was found, which run was lost',
    )
    .argument('[prefix]', 'only stacks whose id begins so')
    .option('--lost', 'only stacks with a run that was lost and that nobody has looked at since')
    .addHelpText(
      'after',
      `
With --json: NDJSON, one stack a line.

Examples:
  cldctl-iac list
  cldctl-iac list shop- --json
  cldctl-iac list --lost`,
    )
    .action(
      run(async (context, prefix: string | undefined, { lost }: { lost?: true }) => {
        const { terminal } = context;
        await withClient(context, async (client) => {
          const running = new Map<string, OperationSummary>();
          const looking = (async () => {
            for await (const row of client.list({ status: 'running', limit: RUNNING }))
              if (row.stackId !== undefined && row.operation !== 'preview')
                running.set(row.stackId, row);
          })();
          const stacks: StackSummary[] = [];
          const filter = {
            ...(prefix === undefined ? {} : { prefix }),
            ...(lost === undefined ? {} : { lost }),
          };
          for await (const stack of client.stacks(filter)) stacks.push(stack);
          await looking;
          for (const stack of stacks)
            terminal.document({ ...stack, running: running.get(stack.stackId) ?? null });
          if (stacks.length === 0) terminal.print('no stacks');
          else
            terminal.print(
              ...renderTable(
                ['STACK', 'ENGINE', 'LAST', 'AT', 'BY', 'DRIFT', 'LOST', 'NOW'],
                stacks.map((stack) => cells(stack, running.get(stack.stackId))),
                terminal.style,
              ),
            );
        });
      }),
    );
};

function cells(stack: StackSummary, running: OperationSummary | undefined): string[] {
  const { stackId, engine, last, drift, lostRun, damaged } = stack;
  const now = running === undefined ? '' : `${running.operation ?? ''} ${running.phase ?? ''}`;
  if (damaged !== undefined) return [stackId, '', damaged, '', '', '', '', now];
  return [
    stackId,
    engine ?? '',
    last === undefined ? '' : `${last.operation} ${last.outcome}`,
    last === undefined ? '' : last.at.slice(0, 19).replace('T', ' '),
    last?.by ?? '',
    drift === undefined ? '' : drift.at.slice(0, 10),
    lostRun === undefined ? '' : `${lostRun.operation} ${lostRun.at.slice(0, 10)}`,
    now,
  ];
}
