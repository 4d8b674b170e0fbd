/** What a request asks for, as one digest: an id that comes with another digest was taken for another wish. */
import { createHash } from 'node:crypto';
import { canonicalJson } from './contract/canonical-json.js';
import { parseJson, stringifyJson } from './contract/json.js';
import type { OperationInput } from './contract/operation.js';
import { CodedError } from './errors.js';

/** SHA-256 of a parsed input, less what only says who asks, why, and what to do with a busy stack. */
export function requestDigest(input: OperationInput): string {
  const wish = { ...input };
  delete wish.requestId;
  delete wish.requestedBy;
  delete wish.reason;
  delete wish.tags;
  delete wish.onBusy;
  const text = canonicalJson(parseJson(stringifyJson(wish)));
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** Throws `InvalidInput` (detail `first`) when the id's first request asked for something else; old ones have no digest. */
export function refuseOtherRequest(
  request: {
    readonly stackId: string;
    readonly requestId: string;
    readonly digest?: string | undefined;
  },
  first: {
    readonly workflowId: string;
    readonly runId: string;
    readonly digest?: string | undefined;
  },
): void {
  if (first.digest === undefined || first.digest === request.digest) return;
  const { workflowId, runId } = first;
  throw new CodedError(
    'InvalidInput',
    `requestId: "${request.requestId}" was used for another request of stack ${request.stackId} ` +
      `(${workflowId}, run ${runId}); take a new id for a new request`,
    { detail: { first: { workflowId, runId } } },
  );
}
