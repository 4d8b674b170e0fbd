import { activityInfo } from '@temporalio/activity';
import { recordOperation } from '../src/operation/record-operation.js';
import type { Activities } from '../src/operation/types.js';
import { withFailures } from './activity-scope.js';
import type { ActivityDependencies } from './activity-dependencies.js';
import { thisRun } from './this-run.js';

/** Writes an operation that ran no plan into the stack's log. */
export function createRecord(dependencies: ActivityDependencies): Activities['record'] {
  return (request) =>
    withFailures(() => recordOperation(dependencies, request, thisRun(activityInfo())));
}
