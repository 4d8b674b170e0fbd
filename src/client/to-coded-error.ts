/** Temporal's errors as coded errors that name cause and next step. */
import {
  isGrpcServiceError,
  QueryNotRegisteredError,
  ServiceError,
  WorkflowFailedError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import {
  ApplicationFailure,
  CancelledFailure,
  TerminatedFailure,
  TimeoutFailure,
  WorkflowNotFoundError,
} from '@temporalio/common';
import { errorCodeSchema, failureSchema } from '../contract/error-code.js';
import { CodedError } from '../errors.js';
import { createAttributesCommand } from '../temporal/search-attributes.js';
import { TASK_QUEUE } from '../temporal/names.js';

const DEADLINE_EXCEEDED = 4;
const INVALID_ARGUMENT = 3;
const UNAVAILABLE = 14;
const NOT_FOUND = 5;

/** What the SDK (1.24) answers for an update without a handler. */
const UNKNOWN_UPDATE = /^No registered handler for update/;

/** Maps an error of the Temporal client; `subject` is what the call was about, e.g. `stack acme`. */
export function toCodedError(error: unknown, subject: string): CodedError {
  if (error instanceof CodedError) return error;
  if (error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError) {
    return fromFailure(error.cause, subject);
  }
  if (error instanceof WorkflowNotFoundError) {
    return new CodedError('OperationNotFound', `${subject}: no such operation is running`, {
      cause: error,
    });
  }
  if (error instanceof QueryNotRegisteredError) return olderWorker(subject, error);
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return noWorker(subject, error);
  return fromService(error, subject);
}

/** The failure that ended a run or an update, as it was thrown on the worker. */
export function fromFailure(cause: unknown, subject: string): CodedError {
  if (cause instanceof ApplicationFailure) {
    const failure = failureSchema.safeParse(cause.details?.[0]);
    if (failure.success) {
      return new CodedError(failure.data.code, failure.data.message, {
        ...(failure.data.detail === undefined ? {} : { detail: failure.data.detail }),
        cause,
      });
    }
    if (UNKNOWN_UPDATE.test(cause.message)) return olderWorker(subject, cause);
    const code = errorCodeSchema.safeParse(cause.type);
    return new CodedError(code.success ? code.data : 'InternalError', cause.message, { cause });
  }
  if (cause instanceof CancelledFailure) {
    const result: unknown = cause.details?.[0];
    return new CodedError('OperationCanceled', `${subject}: the operation was canceled`, {
      ...(result === undefined ? {} : { detail: { result } }),
      cause,
    });
  }
  if (cause instanceof TerminatedFailure || cause instanceof TimeoutFailure) {
    return new CodedError(
      'OutcomeUnknown',
      `${subject}: the operation was ${cause instanceof TerminatedFailure ? 'terminated' : 'timed out'}; ` +
        'the next operation of the stack finds out what was done',
      { cause },
    );
  }
  const inner = (cause as { cause?: unknown } | undefined)?.cause;
  if (inner !== undefined && inner !== cause) return fromFailure(inner, subject);
  const message = cause instanceof Error ? cause.message : String(cause);
  return new CodedError('InternalError', `${subject}: ${message}`, { cause });
}

function fromService(error: unknown, subject: string): CodedError {
  const service = grpcCause(error);
  if (service === undefined) {
    const message = error instanceof Error ? error.message : String(error);
    return new CodedError('InternalError', `${subject}: ${message}`, { cause: error });
  }
  const details = service.details;
  if (service.code === INVALID_ARGUMENT && details.includes('search attribute')) {
    return new CodedError(
      'InvalidConfiguration',
      `the Temporal server has not all search attributes (${details}); create them: ${createAttributesCommand()}`,
      { cause: error },
    );
  }
  if (service.code === DEADLINE_EXCEEDED) return noWorker(subject, error);
  if (service.code === NOT_FOUND) {
    return new CodedError('OperationNotFound', `${subject}: ${details}`, { cause: error });
  }
  if (service.code === INVALID_ARGUMENT) {
    return new CodedError('InvalidInput', `${subject}: ${details}`, { cause: error });
  }
  const what =
    service.code === UNAVAILABLE ? 'Temporal does not answer' : 'Temporal refused the call';
  return new CodedError(
    'TemporalUnavailable',
    `${what} (${details}); check TEMPORAL_ADDRESS and that the server runs`,
    { cause: error },
  );
}

/** The error of a message that the workers do not know. */
function olderWorker(subject: string, cause: unknown): CodedError {
  return new CodedError(
    'InvalidConfiguration',
    `${subject}: the workers are older than this client and do not know this message; upgrade them`,
    { cause },
  );
}

/** The error of a call that no worker answered in time. */
export function noWorker(subject: string, cause?: unknown): CodedError {
  return new CodedError(
    'TemporalUnavailable',
    `${subject}: no worker answers on queue ${TASK_QUEUE}, or only older ones; start one: cldctl-iac worker`,
    { cause },
  );
}

/** The error of an operation that no worker takes up in time: whoever asked for it must not think that nothing happens. */
export function stillStarted(
  operation: { readonly workflowId: string; readonly runId?: string },
  { code, message, cause }: CodedError,
): CodedError {
  return new CodedError(
    code,
    `${message}; the operation is started and goes on when one answers: cancel it if it shall not`,
    { detail: { operation: { ...operation } }, cause },
  );
}

/** The error of a start that the server did not answer in time: nobody knows whether it was heard. */
export function maybeStarted(stackId: string, cause: unknown): CodedError {
  return new CodedError(
    'TemporalUnavailable',
    `stack ${stackId}: the Temporal server did not answer in time, and the operation may be started: look at the stack's status before you ask again, or give the request an id, which starts nothing twice`,
    { cause },
  );
}

/** Whether a call ended because its time was over, as opposed to a server that is away or refused it. */
export function isUnanswered(error: CodedError): boolean {
  return grpcCause(error.cause)?.code === DEADLINE_EXCEEDED;
}

function grpcCause(error: unknown): { code: number; details: string } | undefined {
  if (isGrpcServiceError(error)) return error;
  const wraps =
    error instanceof ServiceError || error instanceof WorkflowUpdateRPCTimeoutOrCancelledError;
  return wraps && isGrpcServiceError(error.cause) ? error.cause : undefined;
}
