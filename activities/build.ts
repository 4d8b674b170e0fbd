import { buildModule } from '../src/operation/build-module.js';
import type { Activities } from '../src/operation/types.js';
import { withScope } from './activity-scope.js';
import type { ActivityDependencies } from './activity-dependencies.js';

/** Builds, or pulls, the module's image. */
export function createBuild(dependencies: ActivityDependencies): Activities['build'] {
  return (request) =>
    withScope(({ signal, letGo }) =>
      buildModule(dependencies, request, AbortSignal.any([signal, letGo])),
    );
}
