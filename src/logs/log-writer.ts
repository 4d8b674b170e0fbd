/** Writes what a step prints into the operation's log; trouble with the store costs lines, never the step. */
import type { LogLine } from '../contract/log.js';
import type { Store } from '../store/open-store.js';
import { countChunks, createChunk, readChunk, type LogOwner } from './log-store.js';

/** Characters after which lines go to the store at once. */
const CHUNK = 256 * 1024;
/** Characters that are held while the store is away; then the oldest lines go. */
const HELD = 4 * 1024 * 1024;
/** Milliseconds that a line waits for others. */
const PATIENCE = 500;
/** Milliseconds until a store that was away is tried again. */
const PAUSE = 5_000;

export interface LogWriter {
  /** Takes a line; resolves when the next one may come, which keeps memory flat. Lines that the log has already are left out. */
  add(line: LogLine): Promise<void> | undefined;
  /** Brings what is held to the store. */
  flush(): Promise<void>;
  /** The last flush; safe to call again. */
  close(): Promise<void>;
}

/**
 * A writer for one step. A step that is followed a second time, by another worker, goes on behind the last line that is
 * in the log; two writers at once (one of them on a worker that lost its connection) take turns and write no line twice.
 */
export function createLogWriter(
  store: Pick<Store, 'objects'>,
  owner: LogOwner,
  step: string,
): LogWriter {
  let held: LogLine[] = [];
  let size = 0;
  let dropped = 0;
  let next: number | undefined;
  /** Timestamp of this step's last line in the log. */
  let after = '';
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let notBefore = 0;

  const hold = (lines: LogLine[]): void => {
    held = lines;
    size = lines.reduce((sum, { text }) => sum + text.length, 0);
  };
  const knows = async (number: number): Promise<void> => {
    const chunk = await readChunk(store, owner, number);
    const last = chunk?.lines.at(-1)?.at;
    if (chunk?.step === step && last !== undefined && last > after) after = last;
  };
  const write = async (): Promise<void> => {
    if (next === undefined) {
      const count = await countChunks(store, owner);
      if (count > 0) await knows(count - 1);
      next = count;
    }
    for (;;) {
      const lines = held.filter(({ at }) => at > after);
      const lost = dropped;
      if (lines.length === 0 && lost === 0) return hold([]);
      const chunk = { number: next, step, lines, ...(lost === 0 ? {} : { dropped: lost }) };
      hold([]);
      try {
        if (await createChunk(store, owner, chunk)) {
          dropped -= lost;
          next += 1;
          after = lines.at(-1)?.at ?? after;
          return;
        }
        await knows(next);
      } catch (error) {
        hold([...lines, ...held]);
        throw error;
      }
      hold([...lines, ...held]);
      next += 1;
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing ??= write()
      .catch(() => {
        notBefore = Date.now() + PAUSE;
      })
      .finally(() => (writing = undefined));
    return writing;
  };
  const trim = (): void => {
    let gone = 0;
    while (size > HELD && gone < held.length - 1) size -= held[gone++]?.text.length ?? 0;
    if (gone > 0) held = held.slice(gone);
    dropped += gone;
  };
  return {
    add(line) {
      held.push(line);
      size += line.text.length;
      const isAway = Date.now() < notBefore;
      if (size > HELD) trim();
      if (size >= CHUNK && !isAway) return flush();
      timer ??= setTimeout(() => void flush(), isAway ? PAUSE : PATIENCE);
      return undefined;
    },
    flush,
    async close() {
      // A step without a line asks nothing of the store.
      if (held.length > 0 || writing !== undefined) await flush();
      // What came while the last flush was under way.
      if (held.length > 0 && Date.now() >= notBefore) await flush();
      clearTimeout(timer);
    },
  };
}
