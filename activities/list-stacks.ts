import { listStacks, type KnownSummaries } from '../src/operation/list-stacks.js';
import type { Activities } from '../src/operation/types.js';
import { withFailures } from './activity-scope.js';
import type { ActivityDependencies } from './activity-dependencies.js';

/** Stacks by their records; this worker reads each record once. */
export function createListStacks(dependencies: ActivityDependencies): Activities['listStacks'] {
  const known: KnownSummaries = new Map();
  return (request) => withFailures(() => listStacks(dependencies, request, known));
}
