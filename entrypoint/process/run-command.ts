import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { FailureError } from '../failure-error.js';
import type { Interruption } from './interruption.js';
import { createLineSplitter } from './line-splitter.js';
import type { NativeCalls } from './native.js';
import { createOutputPipe, type OutputPipe } from './output-pipe.js';

/** One command of a tool. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** File that receives standard output; without it the output goes to `onLine`. */
  readonly captureTo?: string;
  /** A line, or a piece of 64 KiB of a longer one that goes on (`ends` is false). */
  onLine?(stream: 'stdout' | 'stderr', line: string, ends: boolean): void;
  /** A path where the tool finds a pipe and writes lines to; they come whole, however long. */
  readonly follow?: { readonly path: string; onLine(line: Buffer): void };
  /** Called at least every 50 ms and after each MiB of output, awaited: the tool waits meanwhile when its pipe is full. */
  onPause?(): Promise<void>;
  /** False for what has to finish although a stop was asked for (reading the state back). Default true. */
  readonly interruptible?: boolean;
}

/** How it ended. */
export interface CommandEnd {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

export type RunCommand = (command: Command) => Promise<CommandEnd>;

/** The pause grows from the first to the second while nothing comes. */
const SHORTEST_PAUSE = 1;
const LONGEST_PAUSE = 50;
const PIECE = 64 * 1024;
/** A line of a followed pipe can hold a whole state. */
const FOLLOWED_LINE = 512 * 1024 * 1024;
const REAP_EVERY = 1000;

interface Source {
  readonly pipe: OutputPipe;
  push(chunk: Uint8Array): void;
  end(): void;
}

/** Makes the function that runs commands; `temporary` is where the pipes of their output get their names. */
export function createRunCommand(deps: {
  readonly temporary: string;
  readonly interruption: Interruption;
  readonly native: NativeCalls;
}): RunCommand {
  let count = 0;
  return async (command) => {
    mkdirSync(deps.temporary, { recursive: true, mode: 0o700 });
    const sources: Source[] = [];
    const read = (path: string, limit: number, onLine: (line: Buffer) => void): OutputPipe => {
      const pipe = createOutputPipe(path, deps.native);
      const lines = createLineSplitter(limit);
      sources.push({
        pipe,
        push: (chunk) => lines.push(chunk).forEach(onLine),
        end: () => lines.end().forEach(onLine),
      });
      return pipe;
    };
    const outputOf = (stream: 'stdout' | 'stderr'): number => {
      const path = join(deps.temporary, `${stream}.${(count += 1)}`);
      const pipe = read(path, PIECE, (line) =>
        command.onLine?.(stream, line.toString('utf8'), line.length < PIECE),
      );
      const writer = pipe.openWriter();
      pipe.unlink();
      return writer;
    };
    try {
      if (command.follow !== undefined)
        read(command.follow.path, FOLLOWED_LINE, command.follow.onLine);
      const stdout =
        command.captureTo === undefined
          ? outputOf('stdout')
          : openSync(command.captureTo, 'w', 0o600);
      const stderr = outputOf('stderr');
      const child = startChild(command, stdout, stderr);
      closeSync(stdout);
      closeSync(stderr);
      return await untilEnd(command, child, sources, deps);
    } finally {
      for (const { pipe } of sources) pipe.close();
    }
  };
}

interface StartedChild {
  readonly pid: number | undefined;
  /** How it ended, once it has. */
  end(): CommandEnd | Error | undefined;
  /** Calls back once, at the end. */
  onEnd(callback: () => void): void;
}

function startChild(command: Command, stdout: number, stderr: number): StartedChild {
  const [file, ...rest] = command.argv;
  let end: CommandEnd | Error | undefined;
  let onEnd: () => void = () => undefined;
  const ended = (how: CommandEnd | Error): void => {
    end ??= how;
    onEnd();
  };
  try {
    const child = spawn(file, rest, {
      cwd: command.cwd,
      env: { ...command.environment },
      stdio: ['ignore', stdout, stderr],
    });
    // Not `close`: a grandchild may hold the streams for ever.
    child.on('exit', (code, signal) =>
      ended({ exitCode: code ?? undefined, signal: signal ?? undefined }),
    );
    child.on('error', ended);
    return {
      pid: child.pid,
      end: () => end,
      onEnd: (callback) => {
        onEnd = callback;
        if (end !== undefined) callback();
      },
    };
  } catch (error) {
    const failure = error as Error;
    return { pid: undefined, end: () => failure, onEnd: (callback) => callback() };
  }
}

async function untilEnd(
  command: Command,
  child: StartedChild,
  sources: readonly Source[],
  deps: { readonly interruption: Interruption; readonly native: NativeCalls },
): Promise<CommandEnd> {
  const { pid } = child;
  const release =
    pid === undefined || command.interruptible === false
      ? () => undefined
      : deps.interruption.forwardTo(pid);
  const own = new Set(pid === undefined ? [] : [pid]);
  const drain = async (): Promise<boolean> => {
    const found = sources.map(({ pipe, push }) => pipe.readSome(push)).includes(true);
    await command.onPause?.();
    return found;
  };
  let wait = SHORTEST_PAUSE;
  let reaped = performance.now();
  try {
    while (child.end() === undefined) {
      wait = (await drain()) ? SHORTEST_PAUSE : Math.min(2 * wait, LONGEST_PAUSE);
      await pause(wait, child);
      if (performance.now() - reaped < REAP_EVERY) continue;
      deps.native.reapOrphans(own);
      reaped = performance.now();
    }
  } finally {
    release();
  }
  // Once: what a pipe held when the tool ended. A process that it left behind could go on for ever.
  await drain();
  for (const source of sources) source.end();
  await command.onPause?.();
  const end = child.end();
  if (end === undefined || end instanceof Error)
    throw new FailureError(
      'ModuleFailed',
      `${command.argv[0]} can't be started: ${end?.message ?? 'no process'}`,
    );
  return end;
}

function pause(milliseconds: number, child: StartedChild): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    child.onEnd(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
