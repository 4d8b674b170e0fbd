import { previewStack } from '../src/operation/preview-stack.js';
import type { Activities } from '../src/operation/types.js';
import { orAborted } from '../src/or-aborted.js';
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
    withScope((scope) => {
      const { stackId } = request.input;
      return withLog(dependencies, { stackId, step: 'preview', signal: scope.signal }, (log) =>
        previewStack(dependencies, request, {
          ...containerControl(scope, log, sweep),
          onLine(line) {
            const room = log.add(line);
            // A cancelled preview has nothing to keep: what the store owes does not hold its end back.
            return room && orAborted(scope.signal, room).catch(() => undefined);
          },
        }),
      );
    });
}
