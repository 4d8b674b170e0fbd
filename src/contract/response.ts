/** `/workspace/output.json`: what a module image answers. */
import * as z from 'zod';
import {
  actionSchema,
  changeSchema,
  changeSummarySchema,
  checkSchema,
  jsonSchema,
  outputChangeSchema,
  receiptSchema,
} from './change.js';
import { failureSchema } from './error-code.js';
import { recordOf } from './record-of.js';
import { digestSchema } from './request.js';
import { CONTRACT_VERSION } from './version.js';

export const outputValueSchema = z.object({
  value: jsonSchema,
  sensitive: z.boolean().optional(),
});
export type OutputValue = z.infer<typeof outputValueSchema>;

/** Who holds the tool's lock on the state. */
export const lockHolderSchema = z.object({
  id: z.string().optional(),
  /** `user@host`; the host is the container's unique hostname when it is one of ours. */
  who: z.string(),
  created: z.string().optional(),
  operation: z.string().optional(),
});
export type LockHolder = z.infer<typeof lockHolderSchema>;

export const responseStateSchema = z.object({
  /** Names the exact state; null when there is none. OpenTofu: `lineage/serial`; Pulumi: sha256 of the export. */
  fingerprint: z.string().nullable(),
  serial: z.number().int().optional(),
  lineage: z.string().optional(),
  resources: z.number().int().optional(),
  /** Path below `/workspace` of the state file; absent with a state URL. */
  path: z.string().optional(),
  lock: lockHolderSchema.optional(),
  /** Operations that were under way when an earlier run died. */
  pending: z.array(z.object({ resource: z.string(), operation: z.string() })).optional(),
});
export type ResponseState = z.infer<typeof responseStateSchema>;

const listFileSchema = z.object({
  path: z.string(),
  digest: digestSchema,
  count: z.number().int(),
});

/** The answer; the seed's `{success, action, outputs}` alone is a whole answer. */
export const moduleResponseSchema = z.looseObject({
  success: z.boolean(),
  action: actionSchema,
  outputs: recordOf(outputValueSchema).default({}),
  contract: z.literal(CONTRACT_VERSION).optional(),
  changes: z.array(changeSchema).optional(),
  output_changes: z.array(outputChangeSchema).optional(),
  /** All changes as NDJSON, when there are more than fit inline. */
  changes_file: listFileSchema.optional(),
  summary: changeSummarySchema.optional(),
  drift: z.array(changeSchema).optional(),
  /** All drift as NDJSON, when there is more than fits inline. */
  drift_file: listFileSchema.optional(),
  checks: z.array(checkSchema).optional(),
  receipt: receiptSchema.optional(),
  /** True when the plan has a value that is known only after apply. */
  has_unknown: z.boolean().optional(),
  /** False when `apply` ran without an approved plan (standalone `exec`). */
  approved: z.boolean().optional(),
  /** One line: what failed. */
  error: z.string().optional(),
  failure: failureSchema.optional(),
  /** Plan file of a preview: path below `/workspace` and SHA-256. */
  plan: z.object({ path: z.string(), digest: digestSchema, size: z.number().int() }).optional(),
  state: responseStateSchema.optional(),
  tool: z.object({ name: z.string(), version: z.string() }).optional(),
  /** Things a person should know, one line each (an overridden backend, deprecated syntax). */
  notices: z.array(z.string()).optional(),
  /** Milliseconds per step. */
  timings: z.record(z.string(), z.number()).optional(),
});
export type ModuleResponse = z.infer<typeof moduleResponseSchema>;
