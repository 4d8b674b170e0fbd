import { previewStack } from '../src/operation/preview-stack.js';
import type { Activities } from '../src/operation/types.js';
import { withScope } from './activity-scope.js';
import type { ActivityDependencies } from './activity-dependencies.js';
import { containerControl } from './container-control.js';
import type { Sweep } from './sweep.js';
import { withLog } from './with-log.js';

/** Plans, and saves the plan. */
export function createPreview(
  dependencies: ActivityDependencies,
  sweep: Sweep,
): Activities['preview'] {
  return (request) =>
    withScope((scope) =>
      withLog(dependencies, { stackId: request.input.stackId, step: 'preview' }, (log) =>
        previewStack(dependencies, request, containerControl(scope, log, sweep)),
      ),
    );
}
