import { closeSync, fdatasyncSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { JournalLine } from '../../src/contract/journal.js';
import { FailureError } from '../failure-error.js';
import type { CommandEnd } from '../process/run-command.js';
import type { EventStream } from './event-stream.js';

/** What a mutation writes down where it outlives the container: see `docs/decisions/0019-lost-runs.md`. */
export interface Journal {
  /** Right before the mutating command starts. Throws `FailureError` when that can't be written down: then nothing may start. */
  mutating(step: string): void;
  /** Right after it has ended. */
  ended(end: CommandEnd): void;
  /** The events, with those about resources written down too, one disk write for all of a flush. */
  watch(events: EventStream): EventStream;
}

/** A journal that keeps nothing: previews, and runs that nobody looks for. */
export const noJournal: Journal = {
  mutating: () => undefined,
  ended: () => undefined,
  watch: (events) => events,
};

/** Begins the journal. Where it can't be written there is none, which proves nothing to anybody. */
export function openJournal(path: string): Journal {
  let descriptor: number | undefined;
  let queue: string[] = [];
  const line = (entry: JournalLine): void => void queue.push(`${JSON.stringify(entry)}\n`);
  const write = (): boolean => {
    if (descriptor === undefined) return false;
    if (queue.length === 0) return true;
    const bytes = Buffer.from(queue.join(''));
    queue = [];
    try {
      for (let offset = 0; offset < bytes.length;)
        offset += writeSync(descriptor, bytes, offset, bytes.length - offset);
      fdatasyncSync(descriptor);
      return true;
    } catch {
      return false;
    }
  };
  /** A journal that misses a line would claim what is not so. */
  const giveUp = (): boolean => {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
    queue = [];
    try {
      rmSync(path, { force: true });
      // Else it could be there again after a crash of the machine.
      syncFolder(dirname(path));
      return true;
    } catch {
      return false;
    }
  };
  const writeOrGiveUp = (): boolean => write() || giveUp();
  try {
    descriptor = openSync(path, 'w', 0o600);
  } catch {
    return noJournal;
  }
  line({ type: 'opened', at: new Date().toISOString() });
  writeOrGiveUp();
  return {
    mutating(step) {
      line({ type: 'mutating', step, at: new Date().toISOString() });
      if (writeOrGiveUp()) return;
      throw new FailureError(
        'ModuleFailed',
        'the working volume can be neither written nor cleared: nothing was changed',
      );
    },
    ended({ exitCode, signal }) {
      line({
        type: 'ended',
        ...(exitCode === undefined ? {} : { exitCode }),
        ...(signal === undefined ? {} : { signal }),
        at: new Date().toISOString(),
      });
      writeOrGiveUp();
    },
    watch: (events) => ({
      emit(event) {
        if (event.type === 'resource') {
          const { resource, action, status } = event;
          line({ type: 'resource', resource, action, status });
        }
        events.emit(event);
      },
      flush() {
        if (queue.length > 0) writeOrGiveUp();
        return events.flush();
      },
      get pending() {
        return events.pending;
      },
    }),
  };
}

function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
