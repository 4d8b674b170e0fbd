import { ServiceError, WorkflowFailedError } from '@temporalio/client';
import {
  ApplicationFailure,
  CancelledFailure,
  TerminatedFailure,
  WorkflowNotFoundError,
} from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { isUnanswered, toCodedError } from '../../../src/client/to-coded-error.js';

function failed(cause: Error): WorkflowFailedError {
  return new WorkflowFailedError('Workflow execution failed', cause, 'MAXIMUM_ATTEMPTS_REACHED');
}

function service(code: number, details: string): ServiceError {
  const cause = Object.assign(new Error(details), { code, details, metadata: {} });
  return new ServiceError('call failed', { cause });
}

describe('toCodedError', () => {
  test('gives the failure of a run as it was thrown on the worker', () => {
    const failure = { code: 'ModuleFailed', message: 'main.tf line 3', detail: { exitCode: 1 } };
    const cause = ApplicationFailure.create({
      type: 'ModuleFailed',
      message: 'main.tf line 3',
      details: [failure],
    });
    expect(toCodedError(failed(cause), 'stack a')).toMatchObject(failure);
  });

  test('keeps a code that comes without data, and calls everything else internal', () => {
    const coded = ApplicationFailure.create({ type: 'StackBusy', message: 'busy' });
    expect(toCodedError(failed(coded), 'x')).toMatchObject({ code: 'StackBusy', message: 'busy' });
    const other = ApplicationFailure.create({ type: 'TypeError', message: 'oops' });
    expect(toCodedError(failed(other), 'x')).toMatchObject({
      code: 'InternalError',
      message: 'oops',
    });
  });

  test('a cancelled run carries what was done', () => {
    const error = toCodedError(
      failed(new CancelledFailure('x', [{ receipt: { done: 1 } }])),
      'stack a',
    );
    expect(error).toMatchObject({
      code: 'OperationCanceled',
      detail: { result: { receipt: { done: 1 } } },
    });
  });

  test('a terminated run has an unknown outcome, which the next operation finds out', () => {
    const error = toCodedError(failed(new TerminatedFailure('x')), 'stack a');
    expect(error.code).toBe('OutcomeUnknown');
    expect(error.message).toContain('the next operation of the stack');
  });

  test.each([
    [
      'a deadline',
      service(4, 'Deadline exceeded'),
      'TemporalUnavailable',
      'no worker answers on queue iac',
    ],
    ['no server', service(14, 'connect ECONNREFUSED'), 'TemporalUnavailable', 'TEMPORAL_ADDRESS'],
    [
      'a missing search attribute',
      service(3, 'no mapping for search attribute IacStack'),
      'InvalidConfiguration',
      'temporal operator search-attribute create',
    ],
    ['another bad request', service(3, 'invalid query'), 'InvalidInput', 'invalid query'],
    [
      'no such run',
      new WorkflowNotFoundError('not found', 'stack:a', undefined),
      'OperationNotFound',
      'stack a',
    ],
  ])('%s', (_name, error, code, words) => {
    const coded = toCodedError(error, 'stack a');
    expect(coded.code).toBe(code);
    expect(coded.message).toContain(words);
  });
});

test('only a call whose time was over counts as unanswered, and is asked again', () => {
  const unanswered = (code: number): boolean =>
    isUnanswered(toCodedError(service(code, 'no answer'), 'stack a'));
  expect([unanswered(4), unanswered(14), unanswered(3)]).toEqual([true, false, false]);
});
