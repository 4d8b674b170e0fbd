/** Requests by the id that their sender chose: the same id starts nothing twice, also after all history is gone. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { parseJson, stringifyJson } from '../contract/json.js';
import { refuseOtherRequest } from '../request-digest.js';
import type { Store } from '../store/open-store.js';
import { damagedObject } from '../store/store-error.js';

const requestSchema = z.object({
  stackId: z.string(),
  requestId: z.string(),
  workflowId: z.string(),
  runId: z.string(),
  at: z.string(),
  /** Digest of what was asked for; absent in entries of versions that did not compare. */
  digest: z.string().optional(),
});
/** Which run a request started. */
export type RequestEntry = z.infer<typeof requestSchema>;

/**
 * Claims a request id for a run; returns the entry that holds it. The same run may claim again.
 * Throws `InvalidInput` when the id belongs to a request for something else.
 */
export async function claimRequest(
  store: Store,
  entry: RequestEntry,
): Promise<{ readonly claimed: boolean; readonly entry: RequestEntry }> {
  const key = requestKey(entry.stackId, entry.requestId);
  if (await store.objects.create(key, Buffer.from(stringifyJson(entry))))
    return { claimed: true, entry };
  const first = (await readRequest(store, entry.stackId, entry.requestId)) ?? entry;
  const claimed = first.workflowId === entry.workflowId && first.runId === entry.runId;
  if (!claimed) refuseOtherRequest(entry, first);
  return { claimed, entry: first };
}

/** The run that a request started, or undefined. */
export async function readRequest(
  store: Store,
  stackId: string,
  requestId: string,
): Promise<RequestEntry | undefined> {
  const key = requestKey(stackId, requestId);
  const bytes = await store.objects.get(key);
  if (!bytes) return undefined;
  try {
    return requestSchema.parse(parseJson(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    throw damagedObject(key, 'not a request of this version', error);
  }
}

function requestKey(stackId: string, requestId: string): string {
  return `requests/${stackId}/${createHash('sha256').update(requestId).digest('hex')}`;
}
