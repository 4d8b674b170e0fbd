import { readStack } from '../src/operation/read-stack.js';
import type { Activities } from '../src/operation/types.js';
import { withFailures } from './activity-scope.js';
import type { ActivityDependencies } from './activity-dependencies.js';

/** A stack's record without sensitive values. */
export function createReadStack(dependencies: ActivityDependencies): Activities['readStack'] {
  return ({ stackId }) => withFailures(() => readStack(dependencies, stackId));
}
