import { activityInfo } from '@temporalio/activity';
import { applyStack } from '../src/operation/apply-stack.js';
import type { Activities } from '../src/operation/types.js';
import { withScope } from './activity-scope.js';
import type { ActivityDependencies } from './activity-dependencies.js';
import { containerControl } from './container-control.js';
import type { Sweep } from './sweep.js';
import { thisRun } from './this-run.js';
import { withLog } from './with-log.js';

/** Carries out one approved plan. */
export function createExecute(
  dependencies: ActivityDependencies,
  sweep: Sweep,
): Activities['execute'] {
  return (request) =>
    withScope((scope) =>
      withLog(
        dependencies,
        { stackId: request.stackId, step: request.operation, signal: scope.signal },
        (log) =>
          applyStack(
            dependencies,
            request,
            thisRun(activityInfo()),
            containerControl(scope, log, sweep),
          ),
      ),
    );
}
