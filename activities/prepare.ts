import { prepareOperation } from '../src/operation/prepare-operation.js';
import type { Activities } from '../src/operation/types.js';
import { withFailures } from './activity-scope.js';
import type { ActivityDependencies } from './activity-dependencies.js';

/** What has to be known before anything runs. */
export function createPrepare(dependencies: ActivityDependencies): Activities['prepare'] {
  return (request) => withFailures(() => prepareOperation(dependencies, request));
}
