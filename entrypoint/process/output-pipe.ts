import { closeSync, constants, openSync, readSync, rmSync } from 'node:fs';
import type { NativeCalls } from './native.js';

/** A named pipe that a tool writes to and that is read without ever waiting. */
export interface OutputPipe {
  /** Reads at most `PIPE_SIZE` bytes, which is all that a pipe can hold; true when there was anything. */
  readSome(onChunk: (chunk: Uint8Array) => void): boolean;
  /** Opens the end for a child; the caller closes it. */
  openWriter(): number;
  /** Takes the name away: both ends go on. */
  unlink(): void;
  close(): void;
}

const CHUNK = 64 * 1024;
/** What a pipe is enlarged to, so that a tool rarely waits for its reader. */
export const PIPE_SIZE = 1024 * 1024;

/**
 * Makes a named pipe. Read by `readSync` it has back-pressure, costs no disk and little memory; bun's own streams drain a pipe into memory
 * whatever their reader does, and a file fills the disk that the state needs.
 */
export function createOutputPipe(path: string, native: NativeCalls): OutputPipe {
  rmSync(path, { force: true });
  native.makePipe(path);
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  native.enlargePipe(descriptor, PIPE_SIZE);
  const buffer = Buffer.allocUnsafe(CHUNK);
  const read = (): number => {
    try {
      return readSync(descriptor, buffer, 0, CHUNK, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      throw error;
    }
  };
  return {
    readSome: (onChunk) => {
      let total = 0;
      while (total < PIPE_SIZE) {
        const count = read();
        if (count === 0) break;
        total += count;
        onChunk(buffer.subarray(0, count));
      }
      return total > 0;
    },
    openWriter: () => openSync(path, constants.O_WRONLY),
    unlink: () => rmSync(path, { force: true }),
    close: () => {
      rmSync(path, { force: true });
      closeSync(descriptor);
    },
  };
}
