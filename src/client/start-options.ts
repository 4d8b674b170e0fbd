/** How an operation is started: checked input, workflow id, and what people see of it in lists. */
import { randomUUID } from 'node:crypto';
import type { WorkflowStartOptions } from '@temporalio/client';
import { tooLarge } from '../contract/input-limit.js';
import { issueLines } from '../contract/issues.js';
import { operationInputSchema, type OperationInput } from '../contract/operation.js';
import { CodedError } from '../errors.js';
import { requestDigest } from '../request-digest.js';
import { previewWorkflowId, stackWorkflowId, TASK_QUEUE } from '../temporal/names.js';
import { ATTRIBUTE } from '../temporal/search-attributes.js';

/** Throws `InvalidInput` that names every mistake. */
export function parseInput(input: OperationInput): OperationInput {
  const parsed = operationInputSchema.safeParse(input);
  const large = parsed.success ? tooLarge(parsed.data.inputs) : undefined;
  if (parsed.success && large === undefined) return parsed.data;
  const issues = parsed.success ? [large ?? ''] : issueLines(parsed.error);
  throw new CodedError('InvalidInput', issues.join('; '), { detail: { issues } });
}

/** A preview gets an id of its own; everything else has the stack's, which is its lock. */
export function startOptions(input: OperationInput): WorkflowStartOptions {
  const { stackId, operation, requestId, requestedBy, reason } = input;
  return {
    workflowId:
      operation === 'preview'
        ? previewWorkflowId(stackId, requestId ?? randomUUID().slice(-12))
        : stackWorkflowId(stackId),
    taskQueue: TASK_QUEUE,
    args: [input],
    workflowIdConflictPolicy: 'FAIL',
    staticSummary: summaryLine(input),
    ...(reason === undefined ? {} : { staticDetails: reason }),
    ...(requestId === undefined
      ? {}
      : { memo: { requestId, requestDigest: requestDigest(input) } }),
    typedSearchAttributes: [
      { key: ATTRIBUTE.stack, value: stackId },
      { key: ATTRIBUTE.operation, value: operation },
      ...(requestedBy === undefined ? [] : [{ key: ATTRIBUTE.requestedBy, value: requestedBy }]),
    ],
  };
}

function summaryLine(input: OperationInput): string {
  const by = input.requestedBy === undefined ? '' : ` by ${input.requestedBy}`;
  return `${input.operation} ${input.stackId}${by}`.slice(0, 200);
}
