/** Steps of a set-up as progress of a command. */
import type { StepEvent } from '../src/setup/steps.js';
import type { Terminal } from './terminal.js';

/** Makes the listener that shows a set-up's steps; what was there already is told only with `tellFound`. */
export function reportSteps(
  { progress }: Pick<Terminal, 'progress'>,
  options: { tellFound?: boolean } = {},
): (event: StepEvent) => void {
  return (event) => {
    switch (event.type) {
      case 'start':
        progress.start(event.step, event.step);
        break;
      case 'progress':
        progress.update(event.step, event.detail);
        break;
      case 'done':
        if (event.cached && options.tellFound !== true) progress.drop(event.step);
        else
          progress.end(
            event.step,
            event.cached ? 'found' : 'done',
            event.cached ? 'there already' : undefined,
          );
        break;
      case 'stopped':
        progress.drop(event.step);
        break;
      case 'failed':
        progress.end(event.step, 'failed', event.message);
        break;
    }
  };
}
