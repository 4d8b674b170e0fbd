/** Steps that are going on: live lines with their time on a terminal, plain lines in a pipe. */
import { formatDuration } from './duration.js';
import { printable } from './printable.js';
import type { Style } from './style.js';

export interface ProgressOptions {
  readonly stream: { write(text: string): unknown; readonly columns?: number };
  /** Redraw lines in place; only for a terminal. */
  readonly live: boolean;
  readonly style: Style;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

export interface Progress {
  /** A step begins; `id` names it for the other calls. */
  start(id: string, label: string): void;
  /** What the step is doing now. */
  update(id: string, detail: string): void;
  /** A step ended; `remark` follows its label. */
  end(id: string, how: 'done' | 'failed' | 'found', remark?: string): void;
  /** A step ended that is not worth a line. */
  drop(id: string): void;
  /** Runs `write` with the live lines taken away, and draws them again. */
  around(write: () => void): void;
  /** Leaves the terminal to someone else; what is written meanwhile comes out when the returned function is called. */
  pause(): () => void;
  /** Takes away the live lines and stops the clock; steps that still run are forgotten. */
  stop(): void;
}

interface Step {
  readonly label: string;
  readonly from: number;
  detail: string;
  /** When the last plain line about this step was written. */
  told: number | undefined;
}

const REDRAW_MS = 100;
/** A step is announced in a pipe when it takes longer than this, and then at most this often. */
const ANNOUNCE_MS = 1_500;
const REPEAT_MS = 15_000;
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** Makes the progress of one command. */
export function createProgress(options: ProgressOptions): Progress {
  const { stream, live, style, now } = options;
  const steps = new Map<string, Step>();
  const held: (() => void)[] = [];
  let paused = false;
  let drawn = 0;
  let timer: NodeJS.Timeout | undefined;

  const erase = (): void => {
    if (drawn > 0) stream.write(`\u001b[${drawn}A\u001b[0J`);
    drawn = 0;
  };
  const draw = (): void => {
    const frame = SPINNER[Math.floor(now() / REDRAW_MS) % SPINNER.length] ?? '';
    const width = (stream.columns || 80) - 1;
    for (const step of steps.values()) {
      const time = formatDuration(now() - step.from);
      const text = `  ${step.label}  ${time}${step.detail === '' ? '' : `  ${step.detail}`}`;
      const cut = text.length + 1 > width ? `${text.slice(0, width - 2)}…` : text;
      stream.write(`${style.cyan(frame)}${cut.slice(1)}\n`);
      drawn += 1;
    }
  };
  const stopClock = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  const tick = (): void => {
    if (paused) return;
    if (live) {
      erase();
      draw();
      return;
    }
    for (const step of steps.values()) {
      const since = now() - (step.told ?? step.from);
      if (since < (step.told === undefined ? ANNOUNCE_MS : REPEAT_MS)) continue;
      step.told = now();
      const time = formatDuration(now() - step.from);
      stream.write(
        `..     ${step.label} (${time})${step.detail === '' ? '' : `: ${step.detail}`}\n`,
      );
    }
  };
  const around = (write: () => void): void => {
    if (paused) {
      held.push(write);
      return;
    }
    erase();
    write();
    if (live) draw();
  };

  return {
    start(id, label) {
      steps.set(id, { label: printable(label), from: now(), detail: '', told: undefined });
      timer ??= setInterval(tick, REDRAW_MS);
      timer.unref();
      if (live) tick();
    },
    update(id, detail) {
      const step = steps.get(id);
      if (step !== undefined) step.detail = printable(detail.trim());
    },
    end(id, how, remark) {
      const step = steps.get(id);
      if (step === undefined) return;
      steps.delete(id);
      const time = style.dim(formatDuration(now() - step.from));
      const more = remark === undefined ? '' : `  ${style.dim(printable(remark))}`;
      const marks = {
        done: style.green('ok'),
        found: style.green('ok'),
        failed: style.red('failed'),
      };
      const padding = ' '.repeat(how === 'failed' ? 1 : 5);
      around(() => stream.write(`${marks[how]}${padding}${step.label}  ${time}${more}\n`));
      if (steps.size === 0) stopClock();
    },
    drop(id) {
      if (steps.delete(id)) around(() => undefined);
      if (steps.size === 0) stopClock();
    },
    around,
    pause() {
      erase();
      paused = true;
      return () => {
        paused = false;
        for (const write of held.splice(0)) around(write);
      };
    },
    stop() {
      erase();
      steps.clear();
      stopClock();
    },
  };
}
