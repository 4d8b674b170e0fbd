/** A stack as its record tells of it to who holds no key of the store: arguments and results of `readStack` and `listStacks`. */
import * as z from 'zod';
import { changeSummarySchema, jsonSchema } from './change.js';
import { lostRunSchema } from './lost-run.js';
import { recordOf } from './record-of.js';
import { stackIdSchema } from './operation.js';

const entrySchema = z.object({
  operation: z.string(),
  outcome: z.string(),
  at: z.string(),
  by: z.string().optional(),
  planDigest: z.string().optional(),
  /** The Temporal run; absent for operations that had none. */
  runId: z.string().optional(),
  image: z.string().optional(),
  summary: changeSummarySchema.optional(),
});
const openRunSchema = z.object({
  operation: z.string(),
  workflowId: z.string(),
  runId: z.string(),
});
const driftSchema = z.object({ fingerprint: z.string(), at: z.string() });

export const readStackSchema = z.strictObject({ stackId: stackIdSchema });

export const stackViewSchema = z.object({
  stackId: stackIdSchema,
  engine: z.string().optional(),
  image: z.string().optional(),
  createdAt: z.string(),
  /** Values that are not sensitive; sensitive ones without a value. */
  outputs: recordOf(z.object({ value: jsonSchema.optional(), sensitive: z.boolean().optional() })),
  /** The operation that holds the stack now. */
  openRun: openRunSchema.optional(),
  state: z.object({ version: z.number().int(), at: z.string() }).optional(),
  drift: driftSchema.optional(),
  /** A run that was lost and that nobody has looked at since: `resume` goes on from there. */
  lostRun: lostRunSchema.optional(),
  operations: z.array(entrySchema),
});
export type StackView = z.infer<typeof stackViewSchema>;

export const listStacksSchema = z.strictObject({
  /** Ids that begin so. */
  prefix: stackIdSchema.optional(),
  /** First id of the part that is wanted. */
  from: stackIdSchema.optional(),
  /** Only stacks with a run that was lost. */
  lost: z.literal(true).optional(),
});

export const stackSummarySchema = z.object({
  stackId: stackIdSchema,
  createdAt: z.string().optional(),
  engine: z.string().optional(),
  image: z.string().optional(),
  /** The operation that ended last. */
  last: entrySchema.optional(),
  /** The operation that holds the stack now. */
  openRun: openRunSchema.optional(),
  drift: driftSchema.optional(),
  /** A run that was lost and that nobody has looked at since; `readStack` has all that is known of it. */
  lostRun: lostRunSchema
    .pick({ operation: true, workflowId: true, runId: true, at: true, message: true })
    .optional(),
  /** Why its record can't be read. */
  damaged: z.string().optional(),
});
export type StackSummary = z.infer<typeof stackSummarySchema>;

/** A part of the list of stacks, by id; `next` is where the following part begins. */
export const stackPageSchema = z.object({
  stacks: z.array(stackSummarySchema),
  next: z.string().optional(),
});
export type StackPage = z.infer<typeof stackPageSchema>;
