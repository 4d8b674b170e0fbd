/** How long a container runs, and how long its step is tried, by the limits of an operation. */
import { milliseconds } from './duration.js';

/** Longest run of one container unless the input says otherwise. */
const DEFAULT_RUN_TIMEOUT = '1h';
/** Time between the one SIGINT and SIGKILL unless the input says otherwise. */
const DEFAULT_GRACE = '5m';
/** Room for what is around the container's own time: input, collecting, the store. */
const AROUND = 600_000;
const TRIES = 4;

export interface RunTimes {
  readonly runTimeoutMs: number;
  readonly graceMs: number;
  /** One try of the step. */
  readonly tryMs: number;
  /** All tries: after it nobody follows the step's container any more. */
  readonly stepMs: number;
}

/** All times of a step that runs a container, in milliseconds. */
export function runTimes(
  limits: { runTimeout?: string | undefined; grace?: string | undefined } = {},
): RunTimes {
  const runTimeoutMs = milliseconds(limits.runTimeout ?? DEFAULT_RUN_TIMEOUT);
  const graceMs = milliseconds(limits.grace ?? DEFAULT_GRACE);
  const tryMs = runTimeoutMs + graceMs + AROUND;
  return { runTimeoutMs, graceMs, tryMs, stepMs: TRIES * tryMs };
}
