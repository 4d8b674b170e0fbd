import { killContainer } from '../src/operation/kill-container.js';
import type { Activities } from '../src/operation/types.js';
import { withFailures } from './activity-scope.js';
import type { ActivityDependencies } from './activity-dependencies.js';

/** Forces a running container to end. */
export function createKill(dependencies: ActivityDependencies): Activities['kill'] {
  return (request) => withFailures(() => killContainer(dependencies, request));
}
