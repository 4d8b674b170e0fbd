import type { LogWriter } from '../src/logs/log-writer.js';
import type { BuildControl } from '../src/operation/build-module.js';
import { orAborted } from '../src/or-aborted.js';
import type { ActivityScope } from './activity-scope.js';

/**
 * Runs a build or push; at both ends it stops, and another try begins anew. It does not wait for an engine or store that
 * owes an answer: what is under way there was told to stop by the same signal.
 */
export async function buildOrPush<T>(
  { signal: stop, letGo }: Pick<ActivityScope, 'signal' | 'letGo'>,
  log: LogWriter,
  work: (control: BuildControl) => Promise<T>,
): Promise<T> {
  const signal = AbortSignal.any([stop, letGo]);
  signal.throwIfAborted();
  const onMessage = (text: string): void => void log.add({ at: new Date().toISOString(), text });
  return orAborted(signal, work({ signal, onMessage }));
}
