/** `status`: where a stack is: its running or newest operation, and its record. */
import type { OperationSummary, StackView } from '../../src/client/index.js';
import type { OperationState } from '../../src/contract/operation.js';
import { CodedError } from '../../src/errors.js';
import type { RegisterCommand } from '../program.js';
import { shortDigest } from '../short-digest.js';
import type { Style } from '../render/style.js';
import { printable } from '../render/printable.js';
import { retryLine } from '../render/retry-line.js';
import { withClient } from '../with-client.js';

export const registerStatus: RegisterCommand = (program, run) => {
  program
    .command('status <stack>')
    .description('where a stack is: what runs, what waits, what was done last')
    .addHelpText(
      'after',
      `
Examples:
  cldctl-iac status my-db
  cldctl-iac status my-db --json`,
    )
    .action(
      run(async ({ terminal, ...context }, stack: string) => {
        await withClient({ ...context, terminal }, async (client) => {
          const [newest, record] = await Promise.all([
            client.describe(stack).catch(absent('OperationNotFound')),
            client.stack(stack).catch(absent('StackNotFound')),
          ]);
          if (newest === undefined && record === undefined)
            throw new CodedError(
              'StackNotFound',
              `there is no stack ${stack}; start one with: cldctl-iac apply ${stack} --module DIR|IMAGE`,
            );
          const state =
            newest?.status === 'running'
              ? await client.state({ workflowId: newest.workflowId, runId: newest.runId })
              : undefined;
          terminal.print(...lines(stack, newest, state, record, terminal.style));
          terminal.document({
            stackId: stack,
            operation: newest ?? null,
            state: state ?? null,
            stack: record ?? null,
          });
        });
      }),
    );
};

function absent(code: string): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof CodedError && error.code === code) return undefined;
    throw error;
  };
}

function lines(
  stack: string,
  newest: OperationSummary | undefined,
  state: OperationState | undefined,
  record: StackView | undefined,
  style: Style,
): string[] {
  const rows: [string, string | undefined][] = [['Stack', style.bold(stack)]];
  if (state !== undefined) {
    rows.push(
      ['Running', `${state.operation}, ${style.cyan(state.phase)} since ${state.phaseSince}`],
      ['Trying again', newest?.retry && style.yellow(retryLine(newest.retry))],
      ['Asked by', state.requestedBy],
      ['Plan', state.planDigest && shortDigest(state.planDigest)],
      ['Decide until', state.decideUntil],
    );
    if (state.phase === 'awaiting-approval' && state.planDigest !== undefined)
      rows.push(['Approve', `cldctl-iac approve ${stack} --plan ${shortDigest(state.planDigest)}`]);
  } else if (newest !== undefined) {
    const how = newest.outcome ?? newest.status;
    rows.push(
      [
        'Last',
        `${newest.operation ?? 'operation'}: ${how}, ${newest.endedAt?.toISOString() ?? ''}`,
      ],
      ['Asked by', newest.requestedBy],
    );
  }
  rows.push(['Temporal UI', newest?.uiUrl]);
  if (record !== undefined) {
    rows.push(
      ['Image', record.image],
      ['Engine', record.engine],
      ['State', record.state && `version ${record.state.version} of ${record.state.at}`],
      ['Lost run', record.lostRun && style.yellow(printable(record.lostRun.message))],
      ['Drift', record.drift && style.yellow(`found ${record.drift.at}`)],
      ['Outputs', Object.keys(record.outputs).sort().join(', ') || undefined],
    );
    for (const [place, entry] of record.operations.slice(-5).reverse().entries())
      rows.push([
        place === 0 ? 'History' : '',
        `${entry.at}  ${entry.operation.padEnd(8)} ${entry.outcome}${entry.by === undefined ? '' : `  by ${printable(entry.by)}`}`,
      ]);
  }
  return rows
    .filter((row): row is [string, string] => row[1] !== undefined)
    .map(([name, value]) => `${name.padEnd(13)}${value}`);
}
