/** The error of a stack whose lock is held; it names what runs. */
import { CodedError } from '../errors.js';
import type { OperationSummary } from './types.js';

/** `StackBusy` with the running operation in `detail.running`. */
export function stackBusy(stackId: string, running: OperationSummary, cause?: unknown): CodedError {
  const by = running.requestedBy === undefined ? '' : ` by ${running.requestedBy}`;
  const where = running.phase === undefined ? '' : ` (${running.phase})`;
  return new CodedError(
    'StackBusy',
    `stack ${stackId} is busy: ${running.operation ?? 'an operation'}${by}${where} since ${running.startedAt.toISOString()}; ` +
      'wait for it or cancel it',
    { detail: { running: { ...running } }, cause },
  );
}
