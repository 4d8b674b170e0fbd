/** Waiting for a plan, also of an operation that has ended before anyone could wait. */
import type { IacClient, PlanReady, StartedOperation } from '../src/client/index.js';
import { CodedError } from '../src/errors.js';

/** Returns when a plan waits for a decision or none is needed any more; throws what the operation failed with. */
export async function waitForPlan(
  client: IacClient,
  started: StartedOperation,
  signal: AbortSignal,
): Promise<PlanReady> {
  try {
    return await client.waitPlan(started, { signal });
  } catch (error) {
    // A run that is over takes no update any more: its result, or failure, is there.
    if (!(error instanceof CodedError && error.code === 'OperationNotFound')) throw error;
    const { planDigest, summary, outcome } = await client.result(started, { signal });
    return {
      phase: 'done',
      outcome,
      ...(planDigest === undefined ? {} : { planDigest }),
      ...(summary === undefined ? {} : { summary }),
    };
  }
}
