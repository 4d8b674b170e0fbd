import { pushModule } from '../src/operation/push-module.js';
import type { Activities } from '../src/operation/types.js';
import { withScope } from './activity-scope.js';
import type { ActivityDependencies } from './activity-dependencies.js';
import { buildOrPush } from './build-or-push.js';
import { withLog } from './with-log.js';

/** Pushes the module's image; later steps run it by the digest that the registry gave. */
export function createPush(dependencies: ActivityDependencies): Activities['push'] {
  return (request) =>
    withScope((scope) =>
      withLog(
        dependencies,
        { stackId: request.stackId, step: 'push', signal: scope.signal },
        (log) => buildOrPush(scope, log, (control) => pushModule(dependencies, request, control)),
      ),
    );
}
