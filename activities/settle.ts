import { settleStack } from '../src/operation/settle-stack.js';
import type { Activities } from '../src/operation/types.js';
import { withScope } from './activity-scope.js';
import type { ActivityDependencies } from './activity-dependencies.js';
import type { Sweep } from './sweep.js';

/** Settles the run that an earlier operation left behind. */
export function createSettle(
  dependencies: ActivityDependencies,
  sweep: Sweep,
): Activities['settle'] {
  return ({ stackId }) =>
    withScope(({ signal, letGo }) =>
      settleStack(dependencies, stackId, { signal, letGo, onContainer: sweep }),
    );
}
