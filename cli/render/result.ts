/** The end of an operation as lines: outcome, receipt, outputs, notices. */
import type { OperationResult } from '../../src/contract/operation.js';
import { counts } from './plan.js';
import { printable } from './printable.js';
import { renderOutputs } from './outputs.js';
import { renderReceipt } from './receipt.js';
import type { Style } from './style.js';

/** Lines of a result; a preview's plan is not repeated. */
export function renderResult(result: OperationResult, style: Style): string[] {
  const sections: string[][] = [];
  if (result.receipt !== undefined) sections.push(renderReceipt(result.receipt, style));
  const outputs = renderOutputs(result.outputs ?? {}, style);
  if (outputs.length > 0) sections.push([style.bold('Outputs:'), ...outputs]);
  sections.push(
    (result.notices ?? []).map((notice) => `${style.yellow('notice:')} ${printable(notice)}`),
  );
  sections.push([outcomeLine(result, style)]);
  return sections.filter((lines) => lines.length > 0).flatMap((lines) => ['', ...lines]);
}

function outcomeLine(result: OperationResult, style: Style): string {
  const what = `${result.operation} ${result.stackId}`;
  const by = result.decisions.at(-1);
  const who =
    by === undefined
      ? ''
      : ` by ${printable(by.by)}${by.comment === undefined ? '' : `: ${printable(by.comment)}`}`;
  switch (result.outcome) {
    case 'succeeded':
      return `${style.green('Done:')} ${what}${result.summary === undefined ? '' : ` (${counts(result.summary)})`}`;
    case 'no-changes':
      return `${style.green('Nothing to do:')} ${what}`;
    case 'rejected':
      return `${style.yellow('Rejected:')} ${what}${who}`;
    case 'expired':
      return `${style.yellow('Expired:')} ${what}; nobody decided in time, start it again`;
    case 'superseded':
      return `${style.yellow('Superseded:')} ${what} gave way to another operation`;
    case 'skipped':
      return `${style.yellow('Skipped:')} ${what}`;
    case 'duplicate':
      return `${style.yellow('Duplicate:')} ${what} was done by run ${result.other?.runId ?? '?'}`;
  }
}
