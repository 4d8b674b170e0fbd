import { closeSync, fstatSync, readSync } from 'node:fs';
import type { NativeCalls } from './native.js';

/** A file that another process appends to. */
export interface FollowedFile {
  /** Reads at most 1 MiB of what is new; true when more is there. */
  readSome(onChunk: (chunk: Uint8Array) => void): boolean;
  /** Bytes that were skipped because the writer was too far ahead. */
  readonly skipped: number;
  close(): void;
}

const CHUNK = 64 * 1024;
const ROUND = 16;
/** How much is read before its disk space is given back. */
const RELEASE_STEP = 8 * 1024 * 1024;

/**
 * Follows an open file. bun reads a pipe into memory whatever its reader does; a file keeps memory flat. What has been read is released
 * from the disk, and a writer that is more than `maxBacklog` bytes ahead loses the oldest of them (never when it is Infinity).
 */
export function followFile(
  descriptor: number,
  native: NativeCalls,
  maxBacklog: number,
): FollowedFile {
  const buffer = Buffer.allocUnsafe(CHUNK);
  let position = 0;
  let released = 0;
  let skipped = 0;
  const skipBacklog = (): void => {
    if (maxBacklog === Number.POSITIVE_INFINITY) return;
    const backlog = fstatSync(descriptor).size - position;
    if (backlog <= maxBacklog) return;
    const jump = backlog - Math.floor(maxBacklog / 2);
    position += jump;
    skipped += jump;
  };
  return {
    readSome: (onChunk) => {
      skipBacklog();
      for (let round = 0; round < ROUND; round += 1) {
        const count = readSync(descriptor, buffer, 0, CHUNK, position);
        if (count === 0) return false;
        position += count;
        onChunk(buffer.subarray(0, count));
      }
      if (position - released >= RELEASE_STEP) {
        native.releaseStart(descriptor, position);
        released = position;
      }
      return true;
    },
    get skipped() {
      return skipped;
    },
    close: () => closeSync(descriptor),
  };
}
