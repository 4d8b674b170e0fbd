import type { LogWriter } from '../src/logs/log-writer.js';
import type { StepControl } from '../src/operation/dependencies.js';
import type { ActivityScope } from './activity-scope.js';
import type { Sweep } from './sweep.js';

/** How an activity that runs a container watches and ends it. */
export function containerControl(
  { signal, letGo }: Pick<ActivityScope, 'signal' | 'letGo'>,
  log: LogWriter,
  sweep: Sweep,
): StepControl {
  return {
    signal,
    letGo,
    onLine: (line) => log.add(line),
    // Its last lines are stored beside its result, not after it.
    onEnded: () => void log.flush(),
    onContainer: sweep,
  };
}
