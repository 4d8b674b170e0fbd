import { listStacks } from '../src/operation/list-stacks.js';
import type { Activities } from '../src/operation/types.js';
import { withFailures } from './activity-scope.js';
import type { ActivityDependencies } from './activity-dependencies.js';

/** Stacks by their records. */
export function createListStacks(dependencies: ActivityDependencies): Activities['listStacks'] {
  return (request) => withFailures(() => listStacks(dependencies, request));
}
