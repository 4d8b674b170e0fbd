import type { EventStream } from './event-stream.js';
import type { Redactor } from '../redact/redactor.js';

/** How much of a run's text is passed on; the rest is counted. */
const MOST = 1024 * 1024 * 1024;

type Stream = 'stdout' | 'stderr';

/** Turns lines of a tool into redacted log events. */
export interface LineRelay {
  /** `ends` is false for a piece of a line that goes on. */
  line(stream: Stream, text: string, ends: boolean): void;
  /** Call at the end of the command; tells how much was dropped. */
  end(): void;
}

export function relayLines(
  events: EventStream,
  redactor: Redactor,
  most: number = MOST,
): LineRelay {
  const pieces = { stdout: redactor.pieces(), stderr: redactor.pieces() };
  const open = new Set<Stream>();
  let passed = 0;
  let dropped = 0;
  const emit = (stream: Stream, message: string): void => {
    if (passed + message.length > most) {
      dropped += message.length;
      return;
    }
    passed += message.length;
    events.emit({ type: 'log', stream, message });
  };
  return {
    line: (stream, text, ends) => {
      if (ends) open.delete(stream);
      else open.add(stream);
      emit(stream, pieces[stream].push(text, ends));
    },
    end: () => {
      for (const stream of open) emit(stream, pieces[stream].push('', true));
      if (dropped > 0) events.emit({ type: 'dropped', bytes: dropped });
    },
  };
}
