/** The input that goes on after the lost run of a stack. */
import type { OperationInput } from '../contract/operation.js';
import type { StackView } from '../contract/stack.js';
import { CodedError } from '../errors.js';
import type { ResumeOptions } from './types.js';

/** Names the operation that was lost; everything else is taken from it by the worker. Throws `InvalidInput`. */
export function resumeInput(
  { stackId, lostRun, openRun }: Pick<StackView, 'stackId' | 'lostRun' | 'openRun'>,
  options: ResumeOptions = {},
): OperationInput {
  const operation = lostRun?.operation ?? openRun?.operation;
  if (operation === undefined) {
    throw new CodedError('InvalidInput', `resume: no run of stack ${stackId} was lost`);
  }
  return {
    ...options,
    stackId,
    operation: operation as OperationInput['operation'],
    resume: true,
  };
}
