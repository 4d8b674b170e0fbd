/** The result of an operation that Temporal no longer knows, as far as the stack's record tells it. */
import { errorCodeSchema } from '../contract/error-code.js';
import { actionSchema } from '../contract/change.js';
import { outcomeSchema, type OperationResult } from '../contract/operation.js';
import type { StackView } from '../contract/stack.js';
import { CodedError } from '../errors.js';

/** Throws the code that the operation failed with, or `OperationNotFound` when the record tells nothing of it. */
export function resultFromRecord(
  { stackId, operations }: StackView,
  run: { readonly workflowId: string; readonly runId: string },
): OperationResult {
  const entry = operations.find(({ runId }) => runId === run.runId);
  const told = `run ${run.runId} of ${run.workflowId}, which Temporal no longer knows`;
  const outcome = outcomeSchema.safeParse(entry?.outcome);
  if (entry !== undefined && outcome.success) {
    const { planDigest, image, summary } = entry;
    return {
      outcome: outcome.data,
      stackId,
      operation: actionSchema.parse(entry.operation),
      ...(planDigest === undefined ? {} : { planDigest }),
      ...(image === undefined ? {} : { image }),
      ...(summary === undefined ? {} : { summary }),
      decisions: [],
      notices: [`told from the record of the stack: the request was carried out by ${told}`],
      timings: {},
    };
  }
  const code = errorCodeSchema.safeParse(entry?.outcome);
  throw new CodedError(
    code.success ? code.data : 'OperationNotFound',
    `the request started ${told}; ${
      entry === undefined
        ? 'the record of the stack does not tell how it ended'
        : `it ended ${entry.outcome} at ${entry.at}`
    }`,
    { final: true },
  );
}
