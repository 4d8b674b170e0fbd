import type { StepEvent } from './steps.js';

/** Shows steps on a stream: the ones at work on one live line of a terminal, anything else one line each. */
export interface StepDisplay {
  report(event: StepEvent): void;
  /** Clears the live line. */
  end(): void;
}

/** What a display writes to; a terminal has `isTTY` and `columns`. */
export interface DisplayStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

const stillAtWorkMilliseconds = 30_000;

/**
 * Shows what a set-up does. Steps whose result was there already are not worth a line; on a stream that is no terminal a step that takes
 * long says so every half minute.
 */
export function displaySteps(stream: DisplayStream): StepDisplay {
  const atWork = new Map<string, { since: number; detail: string }>();
  const isLive = stream.isTTY === true;
  const clear = isLive ? '\r\u001b[2K' : '';
  const line = (text: string): void => void stream.write(`${clear}${text}\n`);

  const draw = (): void => {
    const [first, ...others] = [...atWork].slice(-3).reverse();
    if (first === undefined) return void stream.write(clear);
    const [name, { since, detail }] = first;
    const more = others.length > 0 ? ` (+${others.map(([other]) => other).join(', +')})` : '';
    const text = `… ${name} ${clock(since)}${more}${detail && ` · ${detail}`}`;
    stream.write(`${clear}${text.slice(0, (stream.columns ?? 80) - 1)}`);
  };
  const remind = (): void => {
    for (const [name, { since, detail }] of atWork)
      line(`  still at work: ${name}, ${clock(since)}${detail && ` · ${detail.slice(0, 100)}`}`);
  };
  const timer = setInterval(isLive ? draw : remind, isLive ? 200 : stillAtWorkMilliseconds);
  timer.unref();

  return {
    report(event) {
      switch (event.type) {
        case 'start':
          atWork.set(event.step, { since: performance.now(), detail: '' });
          break;
        case 'progress': {
          const entry = atWork.get(event.step);
          if (entry !== undefined) entry.detail = event.detail.replace(/\s+/g, ' ').trim();
          break;
        }
        case 'done':
          atWork.delete(event.step);
          if (!event.cached) line(`✓ ${event.step} (${seconds(event.milliseconds)})`);
          break;
        case 'stopped':
          atWork.delete(event.step);
          break;
        case 'failed':
          atWork.delete(event.step);
          line(`✗ ${event.step}: ${event.message}`);
          break;
      }
    },
    end() {
      clearInterval(timer);
      stream.write(clear);
    },
  };
}

function clock(since: number): string {
  const total = Math.floor((performance.now() - since) / 1000);
  return `${Math.floor(total / 60)}:${String(total % 60).padStart(2, '0')}`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
