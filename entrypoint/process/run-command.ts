import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { FailureError } from '../failure-error.js';
import type { Interruption } from './interruption.js';
import { followFile, type FollowedFile } from './follow-file.js';
import { createLineSplitter } from './line-splitter.js';
import type { NativeCalls } from './native.js';

/** One command of a tool. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** File that receives standard output; without it the output goes to `onLine`. */
  readonly captureTo?: string;
  /** A line, or a piece of 64 KiB of a longer one that goes on (`ends` is false). */
  onLine?(stream: 'stdout' | 'stderr', line: string, ends: boolean): void;
  /** A file of lines that the tool itself opens by its path, followed while it runs; whole lines, none is skipped. */
  readonly follow?: { readonly path: string; onLine(line: Buffer): void };
  /** Called about every 50 ms and after each MiB of output, awaited. */
  onPause?(): Promise<void>;
  /** False for what has to finish although a stop was asked for (reading the state back). Default true. */
  readonly interruptible?: boolean;
}

/** How it ended; `skipped` counts output bytes that were dropped because they came faster than they could be passed on. */
export interface CommandEnd {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly skipped: number;
}

export type RunCommand = (command: Command) => Promise<CommandEnd>;

const POLL = 50;
const PIECE = 64 * 1024;
/** A line of a followed file can hold a whole state. */
const FOLLOWED_LINE = 512 * 1024 * 1024;
const MAX_BACKLOG = 256 * 1024 * 1024;
const REAP_EVERY = 1000;

/** Makes the function that runs commands; `temporary` is where their output waits, in files without a name. */
export function createRunCommand(deps: {
  readonly temporary: string;
  readonly interruption: Interruption;
  readonly native: NativeCalls;
}): RunCommand {
  let count = 0;
  const unnamedFile = (): { write: number; read: number } => {
    mkdirSync(deps.temporary, { recursive: true, mode: 0o700 });
    const path = join(deps.temporary, `out.${process.pid}.${(count += 1)}`);
    const write = openSync(path, 'ax', 0o600);
    const read = openSync(path, 'r+');
    unlinkSync(path);
    return { write, read };
  };

  return async (command) => {
    const followed: { file: FollowedFile; push(chunk: Uint8Array): void; end(): void }[] = [];
    const follow = (
      descriptor: number,
      backlog: number,
      limit: number,
      onLine: (line: Buffer) => void,
    ): void => {
      const lines = createLineSplitter(limit);
      followed.push({
        file: followFile(descriptor, deps.native, backlog),
        push: (chunk) => lines.push(chunk).forEach(onLine),
        end: () => lines.end().forEach(onLine),
      });
    };
    const outputOf = (stream: 'stdout' | 'stderr'): number => {
      const { write, read } = unnamedFile();
      follow(read, MAX_BACKLOG, PIECE, (line) =>
        command.onLine?.(stream, line.toString('utf8'), line.length < PIECE),
      );
      return write;
    };
    if (command.follow !== undefined) {
      rmSync(command.follow.path, { force: true });
      follow(
        openSync(command.follow.path, 'wx+', 0o600),
        Number.POSITIVE_INFINITY,
        FOLLOWED_LINE,
        command.follow.onLine,
      );
    }
    const stdout =
      command.captureTo === undefined
        ? outputOf('stdout')
        : openSync(command.captureTo, 'w', 0o600);
    const stderr = outputOf('stderr');

    const [file, ...rest] = command.argv;
    let end: { exitCode: number | undefined; signal: NodeJS.Signals | undefined } | undefined;
    let startError: Error | undefined;
    let wake: () => void = () => undefined;
    const child = spawn(file, rest, {
      cwd: command.cwd,
      env: { ...command.environment },
      stdio: ['ignore', stdout, stderr],
    });
    // Not `close`: a grandchild may hold the streams for ever.
    child.on('exit', (code, signal) => {
      end = { exitCode: code ?? undefined, signal: signal ?? undefined };
      wake();
    });
    child.on('error', (error) => {
      startError = error;
      wake();
    });
    closeSync(stdout);
    closeSync(stderr);
    const release =
      child.pid !== undefined && command.interruptible !== false
        ? deps.interruption.forwardTo(child.pid)
        : () => undefined;
    const own = new Set(child.pid === undefined ? [] : [child.pid]);

    const drain = async (): Promise<void> => {
      for (const { file: source, push } of followed) {
        while (source.readSome(push)) {
          await command.onPause?.();
          // Lets signals and the exit in.
          await setImmediate();
        }
      }
      await command.onPause?.();
    };
    const pause = (): Promise<void> =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, POLL);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
        if (end !== undefined || startError !== undefined) wake();
      });
    const running = (): boolean => end === undefined && startError === undefined;

    let reaped = performance.now();
    try {
      while (running()) {
        await drain();
        await pause();
        if (performance.now() - reaped > REAP_EVERY) {
          deps.native.reapOrphans(own);
          reaped = performance.now();
        }
      }
      await drain();
      for (const source of followed) source.end();
      await command.onPause?.();
    } finally {
      release();
      for (const { file: source } of followed) source.close();
      if (command.follow !== undefined) rmSync(command.follow.path, { force: true });
    }
    if (startError !== undefined || end === undefined)
      throw new FailureError(
        'ModuleFailed',
        `${file} can't be started: ${startError?.message ?? 'no process'}`,
      );
    return { ...end, skipped: followed.reduce((sum, source) => sum + source.file.skipped, 0) };
  };
}
