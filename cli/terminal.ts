/** Where a command writes: results on stdout, progress and errors on stderr, live lines only on a terminal. */
import { stringifyJson } from '../src/contract/json.js';
import type { Failure } from '../src/contract/error-code.js';
import { createProgress, type Progress } from './render/progress.js';
import { printable } from './render/printable.js';
import { createStyle, type Style } from './render/style.js';

/** A stream to write to, with what Node knows about it when it is a terminal. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface TerminalOptions {
  readonly stdin: { readonly isTTY?: boolean };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** One JSON document or NDJSON on stdout and nothing else. */
  readonly json: boolean;
  /** Absent: decided by the terminal, `NO_COLOR` and `FORCE_COLOR`. */
  readonly colour?: boolean;
}

export interface Terminal {
  readonly json: boolean;
  /** True when a person can be asked. */
  readonly interactive: boolean;
  readonly style: Style;
  readonly progress: Progress;
  /** Writes lines for people to stdout; nothing with `--json`. */
  print(...lines: string[]): void;
  /** Writes a line for people to stderr; nothing with `--json`. */
  note(line: string): void;
  /** Writes one value as a JSON document (or one line of NDJSON) to stdout; nothing without `--json`. */
  document(value: unknown): void;
  /** Writes text to stdout as it is, whatever the mode. */
  raw(text: string): void;
  /** Writes the one-line error to stderr, and `{error}` to stdout with `--json`. */
  error(failure: Failure): void;
}

/** Makes the terminal of one command. */
export function createTerminal(options: TerminalOptions): Terminal {
  const { stdout, stderr, env, json } = options;
  const live = stderr.isTTY === true && !json && env['TERM'] !== 'dumb' && !env['CI'];
  const style = createStyle(wantsColour(options, stdout));
  const errorStyle = createStyle(wantsColour(options, stderr));
  const progress = createProgress({
    stream: json ? { write: () => true } : stderr,
    live,
    style: errorStyle,
    now: () => performance.now(),
  });
  const write = (stream: OutputStream, text: string): void =>
    progress.around(() => stream.write(text));
  return {
    json,
    interactive: options.stdin.isTTY === true && stderr.isTTY === true && !json && !env['CI'],
    style,
    progress,
    print: (...lines) => {
      if (!json) write(stdout, lines.map((line) => `${line}\n`).join(''));
    },
    note: (line) => {
      if (!json) write(stderr, `${line}\n`);
    },
    document: (value) => {
      if (json) write(stdout, `${stringifyJson(value)}\n`);
    },
    raw: (text) => write(stdout, text),
    error: (failure) => {
      if (json) write(stdout, `${stringifyJson({ error: failure })}\n`);
      write(stderr, `${errorStyle.red('error:')} ${oneLine(failure)}\n`);
    },
  };
}

/** `CODE: cause; next step` on one line, safe for a terminal. */
export function oneLine(failure: Failure): string {
  return `${failure.code}: ${printable(failure.message.trim().replace(/\s*\n\s*/g, ' '))}`;
}

function wantsColour(options: TerminalOptions, stream: OutputStream): boolean {
  if (options.json) return false;
  if (options.colour !== undefined) return options.colour;
  if (options.env['NO_COLOR']) return false;
  if (options.env['FORCE_COLOR']) return options.env['FORCE_COLOR'] !== '0';
  return stream.isTTY === true && options.env['TERM'] !== 'dumb';
}
