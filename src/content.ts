/** Bytes that may be too many to hold at once: read in pieces, from the beginning as often as somebody asks. */
import { createHash } from 'node:crypto';

/** Bytes that are somewhere else; every iteration reads all of them again. */
export interface LargeContent extends AsyncIterable<Uint8Array> {
  /** Bytes. */
  readonly size: number;
}

/** Bytes here, or elsewhere. */
export type Content = Uint8Array | LargeContent;

/** How many bytes it is. */
export function sizeOf(content: Content): number {
  return content instanceof Uint8Array ? content.length : content.size;
}

/** The bytes in the pieces in which they come. */
export async function* piecesOf(
  content: Content | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) yield content;
  else yield* content;
}

/** All of it in memory. */
export async function wholeOf(content: Content): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of piecesOf(content)) pieces.push(piece);
  const [only] = pieces;
  if (only === undefined || pieces.length > 1) return Buffer.concat(pieces);
  return Buffer.from(only.buffer, only.byteOffset, only.length);
}

/** `sha256:` and 64 hex digits of it. */
export async function digestContent(content: Content | AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of piecesOf(content)) hash.update(piece);
  return `sha256:${hash.digest('hex')}`;
}

/** Contents one after the other. */
export function joinContent(parts: readonly Content[]): LargeContent {
  return {
    size: parts.reduce((sum, part) => sum + sizeOf(part), 0),
    async *[Symbol.asyncIterator]() {
      for (const part of parts) yield* piecesOf(part);
    },
  };
}

/** A content from an offset to its end. Reads all of it, so that what is checked at the end is checked. */
export function contentFrom(content: Content, offset: number): Content {
  if (content instanceof Uint8Array) return content.subarray(offset);
  return {
    size: sizeOf(content) - offset,
    async *[Symbol.asyncIterator]() {
      let skip = offset;
      for await (const piece of piecesOf(content)) {
        if (skip < piece.length) yield piece.subarray(skip);
        skip = Math.max(0, skip - piece.length);
      }
    },
  };
}

/** Lines without their line feeds, what follows the last one included. */
export async function* linesOf(content: Content): AsyncGenerator<Buffer> {
  let open: Uint8Array[] = [];
  for await (const piece of piecesOf(content)) {
    let from = 0;
    for (let end = piece.indexOf(0x0a); end >= 0; end = piece.indexOf(0x0a, from)) {
      yield Buffer.concat([...open, piece.subarray(from, end)]);
      open = [];
      from = end + 1;
    }
    if (from < piece.length) open.push(piece.subarray(from));
  }
  if (open.length > 0) yield Buffer.concat(open);
}

/** Reads a content once, from front to back. */
export interface ContentReader {
  /** The bytes up to the next line feed, which is left out; what is there when there is none. */
  line(): Promise<Buffer>;
  /** So many bytes; fewer at the end. */
  take(size: number): Promise<Buffer>;
  /** What is left. */
  rest(): AsyncIterable<Uint8Array>;
}

/** Begins to read. */
export function readContent(content: Content): ContentReader {
  const pieces = piecesOf(content);
  let open: Uint8Array = new Uint8Array();
  const next = async (): Promise<boolean> => {
    const { done, value } = await pieces.next();
    open = done === true ? new Uint8Array() : value;
    return done !== true;
  };
  return {
    async line() {
      const read: Uint8Array[] = [];
      for (;;) {
        const end = open.indexOf(0x0a);
        read.push(open.subarray(0, end < 0 ? open.length : end));
        if (end >= 0) open = open.subarray(end + 1);
        if (end >= 0 || !(await next())) return Buffer.concat(read);
      }
    },
    async take(size) {
      const read = Buffer.alloc(size);
      let length = 0;
      do {
        const part = open.subarray(0, size - length);
        read.set(part, length);
        length += part.length;
        open = open.subarray(part.length);
      } while (length < size && (await next()));
      return read.subarray(0, length);
    },
    async *rest() {
      yield open;
      yield* pieces;
    },
  };
}
