import type { LogWriter } from '../src/logs/log-writer.js';
import type { BuildControl } from '../src/operation/build-module.js';
import type { ActivityScope } from './activity-scope.js';

/** How a build or push is ended and watched: for both ends it stops, and another try begins anew. */
export function buildControl(
  { signal, letGo }: Pick<ActivityScope, 'signal' | 'letGo'>,
  log: LogWriter,
): BuildControl {
  return {
    signal: AbortSignal.any([signal, letGo]),
    onMessage: (text) => void log.add({ at: new Date().toISOString(), text }),
  };
}
