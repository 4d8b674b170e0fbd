import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringifyJson, type EntrypointEvent } from '../../src/contract/index.js';

/** NDJSON events on a file descriptor. */
export interface EventStream {
  /** Queues an event; `flush` writes. */
  emit(event: EntrypointEvent): void;
  /** Writes what is queued, waiting for a slow reader without blocking signals; a reader that is gone is no error. */
  flush(): Promise<void>;
  /** Characters waiting to be written. */
  readonly pending: number;
}

/** Writes events to `descriptor` (stdout), many lines per `write`: one call per line costs a second per ten thousand. */
export function createEventStream(descriptor: number): EventStream {
  let queue: string[] = [];
  let pending = 0;
  let closed = false;
  const write = async (bytes: Buffer): Promise<void> => {
    for (let offset = 0; offset < bytes.length;) {
      try {
        offset += writeSync(descriptor, bytes, offset, bytes.length - offset);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
          closed = true;
          return;
        }
        await sleep(2);
      }
    }
  };
  return {
    emit: (event) => {
      if (closed) return;
      // Only an answer in clear holds numbers of users; the built-in writer is ten times as fast.
      const line = `${event.type === 'output' ? stringifyJson(event) : JSON.stringify(event)}\n`;
      queue.push(line);
      pending += line.length;
    },
    flush: async () => {
      while (queue.length > 0) {
        const text = queue.join('');
        queue = [];
        pending = 0;
        if (!closed) await write(Buffer.from(text));
      }
    },
    get pending() {
      return pending;
    },
  };
}
