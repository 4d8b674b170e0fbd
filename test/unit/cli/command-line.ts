/** Runs a command line in this process and collects what it wrote. */
import { Readable } from 'node:stream';
import { COMMANDS } from '../../../cli/commands/index.js';
import { runCommandLine, type RegisterCommand } from '../../../cli/program.js';

export interface CommandLineResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function commandLine(
  argv: readonly string[],
  options: {
    env?: Record<string, string>;
    stdin?: string;
    cwd?: string;
    commands?: readonly RegisterCommand[];
    signal?: AbortSignal;
  } = {},
): Promise<CommandLineResult> {
  let stdout = '';
  let stderr = '';
  const exitCode = await runCommandLine(
    argv,
    {
      stdin: Readable.from([options.stdin ?? '']),
      stdout: { write: (text) => void (stdout += text) },
      stderr: { write: (text) => void (stderr += text) },
      env: options.env ?? {},
      cwd: options.cwd ?? '/',
      signal: options.signal ?? new AbortController().signal,
    },
    options.commands ?? COMMANDS,
  );
  return { exitCode, stdout, stderr };
}
