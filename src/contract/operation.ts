/** The input, messages and result of `stackOperation`: what services, schedules and people send and get. */
import * as z from 'zod';
import {
  actionSchema,
  changeSchema,
  changeSummarySchema,
  jsonSchema,
  outputChangeSchema,
  receiptSchema,
  checkSchema,
} from './change.js';
import { failureSchema } from './error-code.js';
import { lostRunSchema } from './lost-run.js';
import { engineSchema } from './module-schema.js';
import { recordOf } from './record-of.js';
import { digestSchema, importMappingSchema } from './request.js';

export const stackIdSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,99}$/,
    'not a stack id: lower-case letters, digits, ".", "_" and "-", at most 100, starting with a letter or digit',
  );

/** A time span such as `90s`, `15m`, `24h`, `7d`. */
export const durationSchema = z
  .string()
  .regex(/^\d+(ms|s|m|h|d)$/, 'not a duration: a number and one of ms, s, m, h, d');

/** What is built of a directory. */
const builtSchema = z.strictObject({
  /**
   * `os/architecture` of each image, pushed to the worker's registry as one index; the one of the worker's engine is what runs.
   * Default: that one alone.
   */
  platforms: z
    .array(z.string().regex(/^[a-z0-9]+\/[a-z0-9]+$/, 'not a platform: os/architecture'))
    .min(1)
    .optional(),
});

export const moduleSourceSchema = z.union([
  /** An image reference; a tag is resolved to its digest once, before the preview. */
  z.strictObject({ image: z.string().min(1) }),
  /** A directory below the worker's modules root. */
  builtSchema.extend({ path: z.string().min(1) }),
  /** A module archive in the store. */
  builtSchema.extend({ archive: digestSchema }),
]);
export type ModuleSource = z.infer<typeof moduleSourceSchema>;

export const approvalRuleSchema = z.strictObject({
  /** Matches when every change of the plan is one of these classes. */
  only: z.array(
    z.enum(['create', 'update', 'delete', 'replace', 'read', 'move', 'import', 'forget', 'output']),
  ),
  then: z.enum(['auto', 'required']),
  reason: z.string().optional(),
});

export const approvalSchema = z.strictObject({
  /** `required` (default) always asks, `on-changes` asks when there is something to do, `auto` never asks. */
  mode: z.enum(['required', 'on-changes', 'auto']).default('required'),
  /** First match decides; no match: `required`. Only with mode `required` or `on-changes`. */
  rules: z.array(approvalRuleSchema).optional(),
  /** Default 24h. */
  expiresIn: durationSchema.default('24h'),
  /** How long before the end a reminder is sent; default none. */
  remindAfter: durationSchema.optional(),
});

export const limitsSchema = z.strictObject({
  /** Longest run of one container; default 1h. */
  runTimeout: durationSchema.optional(),
  /** Time between the one SIGINT and SIGKILL; default 5m. */
  grace: durationSchema.optional(),
  /** Bytes; default 2 GiB. */
  memory: z
    .number()
    .int()
    .min(64 * 1024 * 1024)
    .optional(),
  cpus: z.number().min(0.1).optional(),
  pids: z.number().int().min(32).optional(),
  /** `none` (no network), `internal` (containers only), `open` (default). */
  network: z.enum(['none', 'internal', 'open']).optional(),
});

export const operationOptionsSchema = z.strictObject({
  targets: z.array(z.string().min(1)).optional(),
  replace: z.array(z.string().min(1)).optional(),
  parallelism: z.number().int().min(1).max(1000).optional(),
  refresh: z.boolean().optional(),
  lockTimeout: durationSchema.optional(),
  /** Ask for the Docker socket; granted only when the worker's configuration allows it. */
  dockerSocket: z.boolean().optional(),
  /** Keep the module's own backend block; default: as the stack was run before. */
  keepBackend: z.boolean().optional(),
  /** Release the tool's lock with this id first; for previews, by a person who knows that its holder is gone. */
  unlock: z.string().min(1).max(200).optional(),
});

export const operationInputSchema = z.strictObject({
  stackId: stackIdSchema,
  operation: actionSchema,
  /** What an operation `preview` previews; default `apply`. */
  previewOf: z.enum(['apply', 'destroy', 'refresh', 'import']).optional(),
  /** Absent: the stack's last applied image. */
  module: moduleSourceSchema.optional(),
  engine: engineSchema.optional(),
  inputs: z.union([z.strictObject({ archive: digestSchema }), recordOf(jsonSchema)]).optional(),
  environment: recordOf(z.string()).optional(),
  /** Names of credentials that the worker resolves; default: the cloud credentials its allow-list has. */
  credentials: z.array(z.string()).optional(),
  /** Digest of a saved preview to approve or apply. */
  plan: digestSchema.optional(),
  imports: z.array(importMappingSchema).optional(),
  options: operationOptionsSchema.optional(),
  approval: approvalSchema.optional(),
  limits: limitsSchema.optional(),
  /** Go on after the stack's lost run: module, inputs and options are that run's, and a person is always asked. */
  resume: z.boolean().optional(),
  onBusy: z.enum(['refuse', 'supersede']).optional(),
  /** Who asks, as claimed. */
  requestedBy: z.string().max(200).optional(),
  /** The same id starts nothing twice, also after the first operation ended. */
  requestId: z.string().min(1).max(200).optional(),
  reason: z.string().max(1000).optional(),
  tags: z.array(z.string().max(100)).max(20).optional(),
});
export type OperationInput = z.infer<typeof operationInputSchema>;

/** Update `decide`: the answer to the question that the plan digest names. */
export const decisionSchema = z.strictObject({
  decision: z.enum(['approve', 'reject']),
  /** The whole digest, or a prefix of it with at least 16 hex digits. */
  planDigest: z
    .string()
    .regex(/^(sha256:)?[0-9a-f]{16,64}$/, 'not a plan digest: at least its first 16 hex digits'),
  /** Who decides, as claimed. */
  by: z.string().min(1).max(200),
  comment: z.string().max(2000).optional(),
  /** Proof of identity, for approvers that have one. */
  token: z.string().optional(),
});
export type Decision = z.infer<typeof decisionSchema>;

export const decisionResultSchema = z.object({
  decision: z.enum(['approve', 'reject']),
  planDigest: digestSchema,
  /** Approvals given and needed. */
  approvals: z.object({ have: z.number().int(), need: z.number().int() }),
});
export type DecisionResult = z.infer<typeof decisionResultSchema>;

/** Update `kill`: force the running container to end now. */
export const killSchema = z.strictObject({
  reason: z.string().min(1).max(1000),
  by: z.string().max(200).optional(),
});
export type Kill = z.infer<typeof killSchema>;

/** Update `supersede`: end an operation that waits for approval, in favour of another. */
export const supersedeSchema = z.strictObject({
  by: z.string().min(1).max(200),
  reason: z.string().max(1000).optional(),
});
export type Supersede = z.infer<typeof supersedeSchema>;

export const phaseSchema = z.enum([
  'detect',
  'build',
  'push',
  'preview',
  'awaiting-approval',
  'apply',
  'done',
]);
export type Phase = z.infer<typeof phaseSchema>;

/** How an operation ended when nobody has to look; anything else is a failure. */
export const outcomeSchema = z.enum([
  'succeeded',
  'no-changes',
  'rejected',
  'expired',
  'skipped',
  'superseded',
  'duplicate',
]);
export type Outcome = z.infer<typeof outcomeSchema>;

/** A plan as people and services see it; everything sensitive is masked. */
export const planViewSchema = z.object({
  planDigest: digestSchema,
  changesDigest: digestSchema,
  operation: z.enum(['apply', 'destroy', 'refresh', 'import']),
  stackId: stackIdSchema,
  image: z.string(),
  engine: engineSchema,
  toolVersion: z.string(),
  stateFingerprint: z.string().nullable(),
  summary: changeSummarySchema,
  /** At most as many as fit; `changeCount` tells how many there are. */
  changes: z.array(changeSchema),
  changeCount: z.number().int(),
  outputChanges: z.array(outputChangeSchema),
  drift: z.array(changeSchema),
  /** Counts of all drift, when `drift` does not hold all of it. */
  driftSummary: changeSummarySchema.optional(),
  checks: z.array(checkSchema),
  notices: z.array(z.string()),
  hasUnknown: z.boolean(),
  createdAt: z.string(),
  expiresAt: z.string(),
  /** Address of the whole plan, without a key; it expires. Only from workers with an HTTP endpoint. */
  link: z.string().optional(),
  /** A run of the stack that was lost before this plan: carrying the plan out always needs a person. */
  lostRun: lostRunSchema.optional(),
});
export type PlanView = z.infer<typeof planViewSchema>;

export const recordedDecisionSchema = z.object({
  decision: z.enum(['approve', 'reject', 'auto']),
  planDigest: digestSchema,
  by: z.string(),
  at: z.string(),
  comment: z.string().optional(),
  /** Why no person was asked, or why an earlier approval still stands. */
  reason: z.string().optional(),
});
export type RecordedDecision = z.infer<typeof recordedDecisionSchema>;

/** Query `state`: where an operation is. */
export const operationStateSchema = z.object({
  stackId: stackIdSchema,
  operation: actionSchema,
  phase: phaseSchema,
  phaseSince: z.string(),
  requestedBy: z.string().optional(),
  image: z.string().optional(),
  engine: engineSchema.optional(),
  planDigest: digestSchema.optional(),
  /** Until when a decision can be given. */
  decideUntil: z.string().optional(),
  approvals: z.object({ have: z.number().int(), need: z.number().int() }).optional(),
  decisions: z.array(recordedDecisionSchema),
  outcome: outcomeSchema.optional(),
  /** Signed link to the log of all steps, as text; absent when the workers have no HTTP endpoint. */
  logs: z.string().optional(),
});
export type OperationState = z.infer<typeof operationStateSchema>;

/** Argument of the update `waitPlan`. */
export const waitPlanSchema = z.strictObject({});
/** What it answers: a plan waits for a decision, or the operation needs none any more. */
export const planReadySchema = z.object({
  phase: phaseSchema,
  planDigest: digestSchema.optional(),
  summary: changeSummarySchema.optional(),
  /** Until when a decision can be given, ISO 8601. */
  decideUntil: z.string().optional(),
  outcome: outcomeSchema.optional(),
});
export type PlanReady = z.infer<typeof planReadySchema>;

/** What the updates `kill` and `supersede` answer. */
export const acknowledgementSchema = z.object({ message: z.string() });
export type Acknowledgement = z.infer<typeof acknowledgementSchema>;

export const operationResultSchema = z.object({
  outcome: outcomeSchema,
  stackId: stackIdSchema,
  operation: actionSchema,
  image: z.string().optional(),
  planDigest: digestSchema.optional(),
  summary: changeSummarySchema.optional(),
  hasDrift: z.boolean().optional(),
  receipt: receiptSchema.optional(),
  /** Outputs that are not sensitive; names of the sensitive ones with `sensitive: true` and no value. */
  outputs: recordOf(
    z.object({ value: jsonSchema.optional(), sensitive: z.boolean().optional() }),
  ).optional(),
  decisions: z.array(recordedDecisionSchema),
  /** Run that did the work, for outcome `duplicate`; or that this one gave way to. */
  other: z.object({ workflowId: z.string(), runId: z.string() }).optional(),
  notices: z.array(z.string()).optional(),
  failure: failureSchema.optional(),
  /** Milliseconds per phase. */
  timings: z.record(z.string(), z.number()),
});
export type OperationResult = z.infer<typeof operationResultSchema>;
