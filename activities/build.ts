import { buildModule } from '../src/operation/build-module.js';
import type { Activities } from '../src/operation/types.js';
import { withScope } from './activity-scope.js';
import type { ActivityDependencies } from './activity-dependencies.js';
import { buildOrPush } from './build-or-push.js';
import { withLog } from './with-log.js';

/** Builds, or pulls, the module's image. */
export function createBuild(dependencies: ActivityDependencies): Activities['build'] {
  return (request) =>
    withScope((scope) =>
      withLog(
        dependencies,
        { stackId: request.input.stackId, step: 'build', signal: scope.signal },
        (log) => buildOrPush(scope, log, (control) => buildModule(dependencies, request, control)),
      ),
    );
}
