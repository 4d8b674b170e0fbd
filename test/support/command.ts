/** The compiled command, run as people run it: in a process of its own, without a terminal. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../src/setup/package-root.js';

export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly done: Promise<CommandResult>;
  readonly pid: number;
  /** Resolves when the text has been written to stdout or stderr; rejects when the command ends before. */
  seen(text: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

const program = join(packageRoot(), 'dist', 'command', 'main.js');

/** Starts the command. Only `env` and what a process needs to run reach it. */
export function startCommand(
  argv: readonly string[],
  options: { env?: Readonly<Record<string, string>>; stdin?: string; cwd?: string } = {},
): RunningCommand {
  const { PATH = '', HOME = '/root' } = process.env;
  const child = spawn(process.execPath, [program, ...argv], {
    env: { PATH, HOME, ...options.env },
    cwd: options.cwd ?? packageRoot(),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  const wake = (): void => watchers.forEach((watcher) => watcher());
  child.stdout.setEncoding('utf8').on('data', (text: string) => ((stdout += text), wake()));
  child.stderr.setEncoding('utf8').on('data', (text: string) => ((stderr += text), wake()));
  child.stdin.end(options.stdin ?? '');
  const done = new Promise<CommandResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
  return {
    done,
    pid: child.pid ?? 0,
    seen: (text) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!stdout.includes(text) && !stderr.includes(text)) return;
          watchers.delete(check);
          resolve();
        };
        watchers.add(check);
        check();
        void done.then(({ exitCode }) =>
          reject(new Error(`ended with ${exitCode} before "${text}":\n${stdout}\n${stderr}`)),
        );
      }),
    signal: (name) => void child.kill(name),
  };
}

/** Runs the command to its end. */
export function command(
  argv: readonly string[],
  options: Parameters<typeof startCommand>[1] = {},
): Promise<CommandResult> {
  return startCommand(argv, options).done;
}
