/** A container's log as lines: the engine's multiplexed stream taken apart without recursion or buffering. */
import type { Readable } from 'node:stream';

/** One line that a container printed. */
export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  /** The engine's timestamp: RFC 3339 with nanoseconds. */
  readonly at: string;
  readonly text: string;
}

/** A line longer than this comes as several; large enough for a sealed frame and for an answer in clear. */
const LINE_LIMIT = 32 * 1024 * 1024;
const HEADER = 8;

/** Splits the stream of `logs` (asked for with `timestamps`) into frames. Every frame is one log message or a piece of one. */
async function* frames(
  source: AsyncIterable<Buffer>,
): AsyncGenerator<{ stream: 'stdout' | 'stderr'; payload: Buffer }> {
  let pending: Buffer[] = [];
  let available = 0;
  let needed = HEADER;
  let stream: 'stdout' | 'stderr' | undefined;
  for await (const chunk of source) {
    pending.push(chunk);
    available += chunk.length;
    if (available < needed) continue;
    const bytes = pending.length === 1 ? chunk : Buffer.concat(pending);
    let offset = 0;
    while (bytes.length - offset >= needed) {
      if (stream === undefined) {
        stream = bytes[offset] === 2 ? 'stderr' : 'stdout';
        const size = bytes.readUInt32BE(offset + 4);
        offset += HEADER;
        needed = size;
      } else {
        yield { stream, payload: bytes.subarray(offset, offset + needed) };
        offset += needed;
        stream = undefined;
        needed = HEADER;
      }
    }
    pending = [bytes.subarray(offset)];
    available = bytes.length - offset;
  }
}

/**
 * Reads lines out of the body of `GET /containers/{id}/logs` with `timestamps: true` (no TTY).
 * The json-file driver stores a line above 16 KiB in pieces, and each piece repeats the timestamp: they are joined here.
 * A character that is cut by such a piece is lost in the driver: what has to arrive exactly must be ASCII.
 */
export async function* readLogLines(source: Readable): AsyncGenerator<LogLine> {
  const open = { stdout: new PartialLine(), stderr: new PartialLine() };
  for await (const { stream, payload } of frames(source)) {
    const space = payload.indexOf(0x20);
    if (space < 0) continue;
    const at = payload.toString('latin1', 0, space);
    let rest = payload.subarray(space + 1);
    const line = open[stream];
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      line.add(rest.subarray(0, end));
      yield { stream, at, text: line.take() };
      rest = rest.subarray(end + 1);
    }
    line.add(rest);
    if (line.length > LINE_LIMIT) yield { stream, at, text: line.take() };
    line.at = at;
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    if (open[stream].length > 0) yield { stream, at: open[stream].at, text: open[stream].take() };
  }
}

class PartialLine {
  at = '';
  length = 0;
  #pieces: Buffer[] = [];

  add(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(Buffer.from(piece));
    this.length += piece.length;
  }

  take(): string {
    const text = Buffer.concat(this.#pieces).toString('utf8');
    this.#pieces = [];
    this.length = 0;
    return text.endsWith('\r') ? text.slice(0, -1) : text;
  }
}

/** The `since` that continues right after a line: the engine's own bound is inclusive. */
export function sinceAfter(at: string): string {
  const [whole = at, fraction = ''] = at.replace(/Z$/, '').split('.');
  const seconds = BigInt(Math.floor(Date.parse(`${whole}Z`) / 1000));
  const next = seconds * 1_000_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9)) + 1n;
  return `${next / 1_000_000_000n}.${(next % 1_000_000_000n).toString().padStart(9, '0')}`;
}
