import type { IacClient } from '../../src/client/index.js';
import type { OperationInput } from '../../src/contract/operation.js';
import { CodedError } from '../../src/errors.js';

/** Runs an operation to its end, as a person would who approves what is asked: outcome or error, and whether it asked. */
export async function approveWhenAsked(
  client: IacClient,
  input: OperationInput,
): Promise<{ readonly end: string; readonly asked: boolean; readonly message?: string }> {
  let asked = false;
  try {
    const started = await client.startAndWaitPlan(input);
    const { phase, planDigest = '' } = started.ready;
    asked = phase === 'awaiting-approval';
    if (asked) await client.approve(started, { planDigest, by: 'ann' });
    return { end: (await client.result(started)).outcome, asked };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { end: error.code, asked, message: error.message };
  }
}
