/** Trying again what failed for the environment's sake, for callers that have no workflow to do it. */
import { setTimeout as delay } from 'node:timers/promises';
import { CodedError } from '../errors.js';

/** Pauses between the attempts, in milliseconds: a registry that restarts is back within them. */
const PAUSES: readonly number[] = [1_000, 2_000, 4_000, 8_000, 16_000];

/**
 * Calls until it succeeds, fails for good, or has failed once more than there are pauses. Throws what the last call threw, and
 * `AbortError` when `signal` fires in a pause.
 */
export async function withRetries<T>(
  call: () => Promise<T>,
  options: {
    readonly signal: AbortSignal;
    readonly pauses?: readonly number[];
    /** Told before each pause. */
    readonly onRetry?: (error: CodedError, pause: number) => void;
  },
): Promise<T> {
  for (const pause of options.pauses ?? PAUSES) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof CodedError) || !error.retryable) throw error;
      options.onRetry?.(error, pause);
      await delay(pause, undefined, { signal: options.signal });
    }
  }
  return call();
}
