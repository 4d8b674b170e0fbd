/** One run of Temporal's visibility store as a row of ours, and the query that finds it. */
import type { WorkflowExecutionInfo } from '@temporalio/client';
import { actionSchema } from '../contract/change.js';
import { phaseSchema } from '../contract/operation.js';
import { WORKFLOW } from '../temporal/names.js';
import { ATTRIBUTE } from '../temporal/search-attributes.js';
import type { OperationFilter, OperationStatus, OperationSummary } from './types.js';

const STATUS: Readonly<Record<string, OperationStatus>> = {
  RUNNING: 'running',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'canceled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed-out',
};

const EXECUTION_STATUS: Readonly<Record<OperationStatus, string>> = {
  running: 'Running',
  completed: 'Completed',
  failed: 'Failed',
  canceled: 'Canceled',
  terminated: 'Terminated',
  'timed-out': 'TimedOut',
};

/** Reads a row; attributes that a run has not set stay absent. */
export function operationSummary(
  info: Pick<
    WorkflowExecutionInfo,
    'workflowId' | 'runId' | 'status' | 'startTime' | 'closeTime' | 'typedSearchAttributes'
  >,
  link: (workflowId: string, runId: string) => string | undefined,
): OperationSummary {
  const attributes = info.typedSearchAttributes;
  return withoutUndefined({
    workflowId: info.workflowId,
    runId: info.runId,
    status: STATUS[info.status.name] ?? 'running',
    startedAt: info.startTime,
    endedAt: info.closeTime,
    stackId: attributes.get(ATTRIBUTE.stack),
    operation: actionSchema.safeParse(attributes.get(ATTRIBUTE.operation)).data,
    phase: phaseSchema.safeParse(attributes.get(ATTRIBUTE.phase)).data,
    outcome: attributes.get(ATTRIBUTE.outcome),
    module: attributes.get(ATTRIBUTE.module),
    engine: attributes.get(ATTRIBUTE.engine),
    image: attributes.get(ATTRIBUTE.image),
    planDigest: attributes.get(ATTRIBUTE.plan),
    requestedBy: attributes.get(ATTRIBUTE.requestedBy),
    hasChanges: attributes.get(ATTRIBUTE.hasChanges),
    hasDrift: attributes.get(ATTRIBUTE.hasDrift),
    uiUrl: link(info.workflowId, info.runId),
  }) as OperationSummary;
}

/** The visibility query of a filter. */
export function visibilityQuery(filter: OperationFilter): string {
  const terms = [`WorkflowType = '${WORKFLOW.stackOperation}'`];
  const equal = (name: string, value: string | undefined) => {
    if (value !== undefined) terms.push(`${name} = '${value.replaceAll("'", "''")}'`);
  };
  equal(ATTRIBUTE.stack.name, filter.stackId);
  equal(ATTRIBUTE.phase.name, filter.phase);
  equal(ATTRIBUTE.outcome.name, filter.outcome);
  equal('ExecutionStatus', filter.status && EXECUTION_STATUS[filter.status]);
  if (filter.query !== undefined) terms.push(`(${filter.query})`);
  return terms.join(' AND ');
}

function withoutUndefined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
}
