/** A run that was lost, as lines: what happened, what it is known to have done, what has to be looked at. */
import type { LostRun } from '../../src/contract/lost-run.js';
import { printable } from './printable.js';
import { renderReceipt } from './receipt.js';
import type { Style } from './style.js';

export function renderLostRun(lostRun: LostRun, style: Style): string[] {
  const { operation, at, message, receipt, open = [], untracked = [] } = lostRun;
  return [
    `${style.yellow('Lost:')} the ${operation} of ${at}`,
    `  ${printable(message)}`,
    ...(receipt === undefined ? [] : renderReceipt(receipt, style).map((line) => `  ${line}`)),
    ...open.map(
      ({ resource, operation: what }) =>
        `  ${style.yellow('there or not')} ${printable(what)} ${printable(resource)}`,
    ),
    ...untracked.map(
      (resource) =>
        `  ${style.red('not in the state')} ${printable(resource)}: it was made, and would be made again`,
    ),
  ];
}
