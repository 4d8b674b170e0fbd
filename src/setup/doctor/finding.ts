import type { Config } from '../../config.js';

/** One thing that was looked for. */
export interface Finding {
  /** What was looked for, in a few words. */
  subject: string;
  /** `ok`: there and usable; `missing`: not there, and needed; `optional`: not there, and made or fetched when it is needed. */
  status: 'ok' | 'missing' | 'optional';
  /** What is there: a version, an address, a path. */
  found: string;
  /** How to get what is missing. */
  remedy?: string;
}

/** Looks for one kind of thing. */
export type Check = (config: Config, signal: AbortSignal) => AsyncGenerator<Finding>;
