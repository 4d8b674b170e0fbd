/** Starting operations: each request once, and one operation of a stack at a time. */
import type { OperationInput } from '../contract/operation.js';
import { CodedError } from '../errors.js';
import { refuseOtherRequest, requestDigest } from '../request-digest.js';
import { WORKFLOW } from '../temporal/names.js';
import { operationSummary } from './operation-summary.js';
import { stackBusy } from './stack-busy.js';
import { parseInput, startOptions } from './start-options.js';
import { isAlreadyStarted, type TemporalCalls } from './temporal-calls.js';
import { isUnanswered, maybeStarted } from './to-coded-error.js';
import type { OperationSummary, StartedOperation } from './types.js';

/** Ends an operation that waits for approval, and returns when it is over. */
export type Supersede = (running: OperationSummary, by: string) => Promise<void>;

/** Starts it, or attaches to the running one of the same request. Throws `InvalidInput`, `StackBusy`. */
export async function startOperation(
  calls: TemporalCalls,
  input: OperationInput,
  supersede: Supersede,
): Promise<StartedOperation> {
  const valid = parseInput(input);
  return unlessBusy(calls, valid, supersede, async () => {
    const handle = await calls.client.workflow.start(WORKFLOW.stackOperation, startOptions(valid));
    return startedOperation(calls, valid.stackId, handle.workflowId, handle.firstExecutionRunId);
  });
}

async function unlessBusy(
  calls: TemporalCalls,
  input: OperationInput,
  supersede: Supersede,
  start: () => Promise<StartedOperation>,
): Promise<StartedOperation> {
  const { stackId } = input;
  const started = (): Promise<StartedOperation> =>
    calls.call(`stack ${stackId}`, start).catch((error: unknown) => {
      const unanswered = error instanceof CodedError && isUnanswered(error);
      throw unanswered ? maybeStarted(stackId, error.cause) : error;
    });
  try {
    return await started();
  } catch (error) {
    if (!isAlreadyStarted(error)) throw error;
    const running = await runningOperation(calls, input);
    if ('attached' in running) return running;
    if (input.onBusy !== 'supersede') throw stackBusy(stackId, running);
    await supersede(running, input.requestedBy ?? 'another operation').catch((cause: unknown) => {
      // Ended in the meantime is what was wanted.
      if (!(cause instanceof CodedError && cause.code === 'OperationNotFound'))
        throw stackBusy(stackId, running, cause);
    });
    return await started().catch((again: unknown) => {
      throw isAlreadyStarted(again) ? stackBusy(stackId, running, again) : again;
    });
  }
}

async function runningOperation(
  calls: TemporalCalls,
  input: OperationInput,
): Promise<OperationSummary | StartedOperation> {
  const { stackId, requestId } = input;
  const { workflowId } = startOptions(input);
  const description = await calls.call(`stack ${stackId}`, () =>
    calls.client.workflow.getHandle(workflowId).describe(),
  );
  if (requestId !== undefined && description.memo?.['requestId'] === requestId) {
    const digest = description.memo['requestDigest'] as string | undefined;
    refuseOtherRequest(
      { stackId, requestId, digest: requestDigest(input) },
      { workflowId, runId: description.runId, digest },
    );
    return startedOperation(calls, stackId, workflowId, description.runId, true);
  }
  return operationSummary(description, calls.uiLink);
}

function startedOperation(
  calls: TemporalCalls,
  stackId: string,
  workflowId: string,
  runId: string,
  attached = false,
): StartedOperation {
  const uiUrl = calls.uiLink(workflowId, runId);
  return { stackId, workflowId, runId, attached, ...(uiUrl === undefined ? {} : { uiUrl }) };
}
