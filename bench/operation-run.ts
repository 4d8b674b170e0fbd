/** One preview, approval and apply through the worker. */
import type { IacClient } from '../src/client/index.js';
import { CodedError } from '../src/errors.js';

export interface MeasuredOperation {
  readonly workflowId: string;
  readonly runId: string;
  /** Milliseconds from the start to the result. */
  readonly time: number;
  /** Milliseconds per phase, as the workflow saw them. */
  readonly phases: Readonly<Record<string, number>>;
}

/** Runs one; the plan is approved as soon as it is there. */
export async function operationRun(
  client: IacClient,
  image: string,
  stackId: string,
): Promise<MeasuredOperation> {
  const from = performance.now();
  const started = await client.startAndWaitPlan({
    stackId,
    operation: 'apply',
    module: { image },
    limits: { network: 'none' },
    requestedBy: 'bench',
  });
  const { planDigest } = started.ready;
  if (planDigest === undefined) throw new CodedError('InternalError', 'the operation made no plan');
  await client.approve(started, { planDigest, by: 'bench' });
  const result = await client.result(started);
  const time = performance.now() - from;
  if (result.outcome !== 'succeeded' || result.receipt?.done !== 20) {
    throw new CodedError('InternalError', `the operation ended ${result.outcome}`);
  }
  const { workflowId, runId } = started;
  return { workflowId, runId, time, phases: result.timings };
}
