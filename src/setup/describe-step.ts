import type { StepEvent } from './steps.js';

/** One line for a log or a plain terminal; `undefined` for progress, which only a live display shows. */
export function describeStep(event: StepEvent): string | undefined {
  switch (event.type) {
    case 'start':
      return `… ${event.step}`;
    case 'progress':
      return undefined;
    case 'done':
      return `✓ ${event.step} ${event.cached ? '(there)' : `(${seconds(event.milliseconds)})`}`;
    case 'failed':
      return `✗ ${event.step}: ${event.message}`;
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
