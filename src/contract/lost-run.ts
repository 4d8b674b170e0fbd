/** A mutating run whose end nobody saw: what it is known to have done, and what has to be looked at. */
import * as z from 'zod';
import { actionSchema, receiptSchema } from './change.js';
import { digestSchema } from './request.js';

/** Names the attempt that was lost. */
export const lostRunKeySchema = z.object({
  planDigest: digestSchema,
  attempt: z.number().int().min(1),
});
export type LostRunKey = z.infer<typeof lostRunKeySchema>;

export const lostRunSchema = lostRunKeySchema.extend({
  operation: actionSchema,
  workflowId: z.string(),
  runId: z.string(),
  at: z.string(),
  message: z.string(),
  receipt: receiptSchema.optional(),
  /** Operations that were under way at the end: such a resource may be there or not. */
  open: z.array(z.object({ resource: z.string(), operation: z.string() })).optional(),
  /** Resources that were made and that the saved state does not have: an apply would make them again. */
  untracked: z.array(z.string()).optional(),
});
export type LostRun = z.infer<typeof lostRunSchema>;

/** True when both name the same attempt. */
export function isSameRun(one: LostRunKey, other: LostRunKey | undefined): boolean {
  return one.planDigest === other?.planDigest && one.attempt === other.attempt;
}

/** True for operations that could make again what a lost run made unseen; a refresh only reads the world. */
export function needsPerson(operation: string, lostRun: LostRun | undefined): lostRun is LostRun {
  return lostRun !== undefined && operation !== 'refresh';
}
