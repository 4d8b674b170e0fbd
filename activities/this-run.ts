import type { Info } from '@temporalio/activity';
import type { RunReference } from '../src/operation/types.js';

/** The workflow run that an activity belongs to. */
export function thisRun({ workflowExecution }: Info): RunReference {
  if (workflowExecution === undefined)
    throw new TypeError('this activity belongs to a workflow run');
  return { workflowId: workflowExecution.workflowId, runId: workflowExecution.runId };
}
