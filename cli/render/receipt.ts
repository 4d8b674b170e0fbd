/** What happened to every approved change, as lines. */
import type { Receipt, ReceiptEntry } from '../../src/contract/change.js';
import { printable } from './printable.js';
import type { Style } from './style.js';

const WORDS: Readonly<Record<ReceiptEntry['status'], string>> = {
  done: 'done',
  failed: 'FAILED',
  'not-reached': 'not reached',
  unapproved: 'NOT APPROVED',
  unknown: 'unknown',
};

/** A line of counts and one line for each entry; entries beyond the inline ones are counted. */
export function renderReceipt(receipt: Receipt, style: Style): string[] {
  const { unknown = 0 } = receipt;
  const total = receipt.done + receipt.failed + receipt.not_reached + receipt.unapproved + unknown;
  if (total === 0) return [];
  const parts = [
    `${receipt.done} done`,
    receipt.failed > 0 ? style.red(`${receipt.failed} failed`) : '',
    unknown > 0 ? style.red(`${unknown} unknown`) : '',
    receipt.not_reached > 0 ? style.yellow(`${receipt.not_reached} not reached`) : '',
    receipt.unapproved > 0 ? style.red(`${receipt.unapproved} not approved`) : '',
  ].filter((part) => part !== '');
  const width = Math.max(0, ...receipt.entries.map(({ action }) => action.length));
  const lines = receipt.entries.map((entry) => {
    const status = paint(entry.status, style)(WORDS[entry.status].padEnd(12));
    const detail = entry.detail === undefined ? '' : `: ${printable(entry.detail)}`;
    return `  ${status} ${entry.action.padEnd(width)}  ${printable(entry.resource)}${detail}`;
  });
  const left = total - receipt.entries.length;
  return [
    `${style.bold('Receipt:')} ${parts.join(', ')}`,
    ...lines,
    ...(left > 0 ? [`  … and ${left} more`] : []),
  ];
}

function paint(status: ReceiptEntry['status'], style: Style): (text: string) => string {
  if (status === 'done') return style.green;
  return status === 'not-reached' ? style.yellow : style.red;
}
