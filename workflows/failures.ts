/** Failures as a run ends with them: type is our code, the message one line, `details[0]` the failure as data. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  TimeoutFailure,
} from '@temporalio/workflow';
import { errorCodeSchema, failureSchema, type Failure } from '../src/contract/error-code.js';

/** A failure that fails the run, an update, or rejects an update when a validator throws it. */
export function applicationFailure(failure: Failure): ApplicationFailure {
  const made = ApplicationFailure.create({
    type: failure.code,
    message: failure.message,
    nonRetryable: true,
    details: [failure],
  });
  // The UI shows it below the message to whoever sent an update; where in our code it was said helps nobody there.
  made.stack = '';
  return made;
}

/** What anything thrown in an operation means; `doing` names the step for what has no code of its own. */
export function failureOf(error: unknown, doing: string): Failure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) {
    const failure = failureSchema.safeParse(cause.details?.[0]);
    if (failure.success) return failure.data;
    const code = errorCodeSchema.safeParse(cause.type);
    return {
      code: code.success ? code.data : 'InternalError',
      message: `${doing}: ${cause.message}`,
    };
  }
  if (cause instanceof TimeoutFailure) {
    return doing === 'execute'
      ? {
          code: 'OutcomeUnknown',
          message: `${doing}: no worker reported the end in time; the next operation of the stack finds out what was done`,
        }
      : {
          code: 'ContainerLost',
          message: `${doing}: no worker finished it in time (${cause.timeoutType})`,
        };
  }
  if (cause instanceof CancelledFailure)
    return { code: 'OperationCanceled', message: 'the operation was canceled' };
  const message = cause instanceof Error ? cause.message : String(cause);
  return { code: 'InternalError', message: `${doing}: ${message}` };
}
