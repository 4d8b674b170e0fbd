import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { CodedError } from '../errors.js';

/** How to run a command of the set-up. */
export interface RunOptions {
  cwd?: string;
  /** The whole environment of the command. Default: this process's. */
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  /** Called with each line of standard output and standard error. */
  onLine?: (line: string) => void;
}

const keptLines = 20;
const graceMilliseconds = 5_000;

/**
 * Runs a command to its end and returns its standard output. It gets a process group of its own; when `signal` fires the whole group is
 * ended (SIGTERM, five seconds later SIGKILL) and the call rejects with the signal's reason once it is gone.
 * Throws `CodedError` `SetupFailed` with the last lines when the command fails or can't be started.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { signal } = options;
  signal?.throwIfAborted();
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  const tail: string[] = [];
  const keep = (line: string): void => {
    tail.push(line);
    if (tail.length > keptLines) tail.shift();
    options.onLine?.(line);
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    output.push(line);
    keep(line);
  });
  createInterface({ input: child.stderr }).on('line', keep);

  const killGroup = (name: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // The group is gone already.
    }
  };
  let hardKill: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    killGroup('SIGTERM');
    hardKill = setTimeout(() => killGroup('SIGKILL'), graceMilliseconds);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const [code, killedBy] = await new Promise<[number | null, NodeJS.Signals | null]>(
      (resolve, reject) => {
        child.once('error', reject);
        child.once('close', (exitCode, exitSignal) => resolve([exitCode, exitSignal]));
      },
    );
    signal?.throwIfAborted();
    if (code === 0) return output.join('\n');
    const end = code === null ? `was ended by ${killedBy ?? 'a signal'}` : `exited with ${code}`;
    throw new CodedError(
      'SetupFailed',
      `${command} ${args.slice(0, 3).join(' ')} ${end}: ${tail.slice(-5).join(' | ')}`,
      { detail: { logTail: tail.join('\n') } },
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CodedError('SetupFailed', `the command ${command} is not installed`, {
      cause: error,
    });
  } finally {
    signal?.removeEventListener('abort', onAbort);
    clearTimeout(hardKill);
  }
}
