import type { Config } from '../../config.js';

/** One thing that was looked for. */
export interface Finding {
  /** What was looked for, in a few words. */
  subject: string;
  /**
   * `ok`: there and usable; `missing`: not there, and needed; `optional`: not there, and made or fetched when it is
   * needed; `left-over`: there, and no operation needs it; `unknown`: can't be told, for the reason in `found`.
   */
  status: 'ok' | 'missing' | 'optional' | 'left-over' | 'unknown';
  /** What is there: a version, an address, a path. */
  found: string;
  /** Size of what is left over. */
  bytes?: number;
  /** How to get what is missing, or rid of what is left over. */
  remedy?: string;
}

/** Looks for one kind of thing. */
export type Check = (config: Config, signal: AbortSignal) => AsyncGenerator<Finding>;
