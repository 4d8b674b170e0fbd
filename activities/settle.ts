import { settleStack } from '../src/operation/settle-stack.js';
import type { Activities } from '../src/operation/types.js';
import { withScope } from './activity-scope.js';
import type { ActivityDependencies } from './activity-dependencies.js';
import { containerControl } from './container-control.js';
import type { Sweep } from './sweep.js';
import { withLog } from './with-log.js';

/** Settles the run that an earlier operation left behind. */
export function createSettle(
  dependencies: ActivityDependencies,
  sweep: Sweep,
): Activities['settle'] {
  return ({ stackId }) =>
    withScope((scope) =>
      withLog(dependencies, { stackId, step: 'settle', signal: scope.signal }, (log) =>
        settleStack(dependencies, stackId, containerControl(scope, log, sweep)),
      ),
    );
}
