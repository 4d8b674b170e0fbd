import { setTimeout as delay } from 'node:timers/promises';
import { CodedError } from '../src/errors.js';
import { prepareOperation } from '../src/operation/prepare-operation.js';
import type { Activities } from '../src/operation/types.js';
import { orAborted } from '../src/or-aborted.js';
import { withFailures, withScope } from './activity-scope.js';
import type { ActivityDependencies } from './activity-dependencies.js';

/** Milliseconds for all of it, one second of them for the engine: a local activity hears of a cancel only when it has ended. */
const AT_ONCE = 1200;
const LATER = { later: true } as const;

/** What has to be known before anything runs, from a store that answers at once. */
export function createPrepare(dependencies: ActivityDependencies): Activities['prepare'] {
  return (request) =>
    withFailures(async () => {
      try {
        return await Promise.race([
          prepareOperation(dependencies, request),
          delay(AT_ONCE, LATER, { ref: false }),
        ]);
      } catch (error) {
        if (error instanceof CodedError && error.code === 'StoreUnavailable') return LATER;
        throw error;
      }
    });
}

/** The same from a store that is slow or away: it is waited for, and a cancel ends that at once. */
export function createPrepareLater(dependencies: ActivityDependencies): Activities['prepareLater'] {
  return (request) =>
    withScope(({ signal, letGo }) =>
      orAborted(AbortSignal.any([signal, letGo]), prepareOperation(dependencies, request)),
    );
}
