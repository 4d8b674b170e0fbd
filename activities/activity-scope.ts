/** What every activity has around its work: two ways to end, beats, and errors in Temporal's form. */
import { activityInfo, ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { asCodedError, CodedError } from '../src/errors.js';
import { boundFailure } from '../src/operation/bound-failure.js';

/** Milliseconds between beats; the SDK sends at most one a second. */
const BEAT = 500;

export interface ActivityScope {
  /** Fires when the operation was cancelled or its run is gone: stop the container. */
  readonly signal: AbortSignal;
  /** Fires when this worker or attempt has to end: leave the container to the next attempt. */
  readonly letGo: AbortSignal;
  /** What the next attempt gets. */
  beat(details: unknown): void;
  /** Details of the last beat of an earlier attempt. */
  readonly lastBeat: unknown;
}

/** Runs the work of an activity. Coded errors become failures whose type is the code; retryable ones are retried. */
export async function withScope<T>(work: (scope: ActivityScope) => Promise<T>): Promise<T> {
  const context = Context.current();
  const stop = new AbortController();
  const letGo = new AbortController();
  const onCancel = (): void => {
    const details = context.cancellationDetails;
    const stays =
      details?.workerShutdown === true ||
      details?.timedOut === true ||
      details?.paused === true ||
      details?.reset === true;
    if (stays && details?.cancelRequested !== true) letGo.abort();
    else stop.abort();
  };
  context.cancellationSignal.addEventListener('abort', onCancel, { once: true });
  if (context.cancellationSignal.aborted) onCancel();
  let details: unknown = activityInfo().heartbeatDetails;
  const beating = setInterval(() => context.heartbeat(details), BEAT);
  try {
    return await work({
      signal: stop.signal,
      letGo: letGo.signal,
      beat: (next) => void (details = next),
      lastBeat: details,
    });
  } catch (error) {
    if (letGo.signal.aborted || (stop.signal.aborted && isAbortError(error))) {
      throw new CancelledFailure(letGo.signal.aborted ? 'let go' : 'stopped');
    }
    throw toFailure(error);
  } finally {
    clearInterval(beating);
    context.cancellationSignal.removeEventListener('abort', onCancel);
  }
}

/** Runs a light activity: errors only. */
export async function withFailures<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toFailure(error);
  }
}

/** The failure of an error: type is the code, the message one line, `details[0]` the failure as data. */
export function toFailure(error: unknown): ApplicationFailure {
  const coded = asCodedError(error);
  const failure = boundFailure(coded.toFailure());
  const made = ApplicationFailure.create({
    type: coded.code,
    message: coded.message.split('\n')[0] ?? '',
    nonRetryable: !coded.retryable,
    details: [failure],
    ...(coded.code === 'StateLocked' ? { nextRetryDelay: '15s' as const } : {}),
    // Without a cause: what is below may carry what must not reach the history.
  });
  // A place in our code says something about our own errors only.
  if (coded.code !== 'InternalError') made.stack = '';
  return made;
}

function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError' && !(error instanceof CodedError);
}
