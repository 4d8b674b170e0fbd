/** What is told to whom it may concern: the body of a webhook. */
import * as z from 'zod';
import { actionSchema, changeSummarySchema } from './change.js';
import { errorCodeSchema } from './error-code.js';
import { stackIdSchema } from './operation.js';
import { digestSchema } from './request.js';

export const notificationEventSchema = z.enum([
  'approval.waiting',
  'approval.reminder',
  'approval.expired',
  'operation.failed',
  'operation.outcome-unknown',
  'drift.found',
]);
export type NotificationEvent = z.infer<typeof notificationEventSchema>;

/** One notification; it holds no input, no output and no value of a change. */
export const notificationSchema = z.object({
  /** The same for every try and every webhook. */
  id: z.string(),
  event: notificationEventSchema,
  /** When it happened, ISO 8601. */
  at: z.string(),
  stackId: stackIdSchema,
  operation: actionSchema,
  /** The run that it is about. */
  workflowId: z.string(),
  runId: z.string(),
  requestedBy: z.string().optional(),
  /** The plan that waits, or that shows the drift. */
  planDigest: digestSchema.optional(),
  /** Counts of the plan's changes, or of the drift. */
  summary: changeSummarySchema.optional(),
  /** Until when a decision can be given, ISO 8601. */
  decideUntil: z.string().optional(),
  /** Why it failed: a code and one redacted line. */
  failure: z.object({ code: errorCodeSchema, message: z.string() }).optional(),
  /** What this drift is recognised by: it is told once. */
  fingerprint: digestSchema.optional(),
  /** Page of the run in the Temporal UI. */
  uiUrl: z.string().optional(),
});
export type Notification = z.infer<typeof notificationSchema>;
