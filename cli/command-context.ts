/** What a command works with: its terminal, its environment and the signal of Ctrl-C. */
import type { Config } from '../src/config.js';
import type { Terminal } from './terminal.js';

export interface CommandContext {
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Directory that relative paths start from. */
  readonly cwd: string;
  /** Fires on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  /** Text of standard input, for flags that take `-`. */
  readonly readStdin: () => Promise<string>;
  /** The configuration, read when first asked for. Throws `InvalidConfiguration`. */
  readonly config: () => Promise<Config>;
}
