/** The one change model of both engines: what a plan would do, what drifted, what was done. */
import * as z from 'zod';
import type { Json } from './json.js';

export const actionSchema = z.enum(['preview', 'apply', 'destroy', 'refresh', 'import']);
export type Action = z.infer<typeof actionSchema>;

/** Any JSON value, numbers lossless. Values inside changes are masked: see `SENSITIVE` and `UNKNOWN`. */
export const jsonSchema: z.ZodType<Json> = z.custom<Json>((value) => value !== undefined);

/** A masked value: `true`, or an HMAC under the stack's key where two previews have to be compared. */
export interface SensitiveMark {
  readonly $sensitive: true | string;
}
/** A value that is known only after the apply. */
export interface UnknownMark {
  readonly $unknown: true;
}
export const SENSITIVE: SensitiveMark = { $sensitive: true };
export const UNKNOWN: UnknownMark = { $unknown: true };

export const changeActionSchema = z.enum([
  'create',
  'update',
  'delete',
  'replace',
  'read',
  'move',
  'import',
  'forget',
]);
export type ChangeAction = z.infer<typeof changeActionSchema>;

/** One change of one resource; a replacement is one change, an update that also moves or imports is one update. */
export const changeSchema = z.object({
  /** Address (OpenTofu) or URN (Pulumi). */
  resource: z.string(),
  action: changeActionSchema,
  /** Resource type as the engine names it. */
  type: z.string().optional(),
  /** Attributes before and after, sensitive and unknown values masked; null where there is no object. */
  before: jsonSchema.optional(),
  after: jsonSchema.optional(),
  /** Why the engine chose this action, in its own word with dashes, e.g. `cannot-update`, `tainted`, `requested`. */
  reason: z.string().optional(),
  /** Paths of the attributes that force a replacement, e.g. `tags.Name`, `ports[0].internal`. */
  replace_reasons: z.array(z.string()).optional(),
  replace_order: z.enum(['create-before-delete', 'delete-before-create']).optional(),
  /** Address the object had before a move. */
  previous_resource: z.string().optional(),
  importing: z.object({ id: z.string() }).optional(),
  /** Key of a deposed object (left over from a failed create-before-delete replacement). */
  deposed: z.string().optional(),
});
export type Change = z.infer<typeof changeSchema>;

export const outputChangeSchema = z.object({
  name: z.string(),
  action: z.enum(['create', 'update', 'delete']),
  before: jsonSchema.optional(),
  after: jsonSchema.optional(),
});
export type OutputChange = z.infer<typeof outputChangeSchema>;

/** How often each action occurs, each change counted once; `output` counts output changes. */
export const changeSummarySchema = z.object({
  create: z.number().int(),
  update: z.number().int(),
  delete: z.number().int(),
  replace: z.number().int(),
  read: z.number().int(),
  move: z.number().int(),
  import: z.number().int(),
  forget: z.number().int(),
  output: z.number().int(),
});
export type ChangeSummary = z.infer<typeof changeSummarySchema>;

/** A check, precondition or postcondition that did not pass. */
export const checkSchema = z.object({
  address: z.string(),
  status: z.enum(['fail', 'error', 'unknown']),
  messages: z.array(z.string()),
});
export type Check = z.infer<typeof checkSchema>;

/** What became of one approved change, or of a change that nobody approved. */
export const receiptEntrySchema = z.object({
  resource: z.string(),
  action: changeActionSchema,
  /** `unknown`: the run was lost, and there is no sign that this was begun; its last moments left none. */
  status: z.enum(['done', 'failed', 'not-reached', 'unapproved', 'unknown']),
  detail: z.string().optional(),
});
export type ReceiptEntry = z.infer<typeof receiptEntrySchema>;

/** How many changes ended how. */
export const receiptCountsSchema = z.object({
  done: z.number().int(),
  failed: z.number().int(),
  not_reached: z.number().int(),
  unapproved: z.number().int(),
  /** Only in the receipt of a lost run. */
  unknown: z.number().int().optional(),
});

/** What happened to every approved change; at most 200 entries inline, failed and unapproved ones first. */
export const receiptSchema = receiptCountsSchema.extend({ entries: z.array(receiptEntrySchema) });
export type Receipt = z.infer<typeof receiptSchema>;

/** Most changes, drift or receipt entries that go inline; all changes are in `changes_file`, all drift in `drift_file`. */
export const INLINE_CHANGES = 200;

const ZERO: ChangeSummary = {
  create: 0,
  update: 0,
  delete: 0,
  replace: 0,
  read: 0,
  move: 0,
  import: 0,
  forget: 0,
  output: 0,
};

/** Counts each change once. */
export function summarize(
  changes: Iterable<Pick<Change, 'action'>>,
  outputChanges: number,
): ChangeSummary {
  const summary = { ...ZERO, output: outputChanges };
  for (const { action } of changes) summary[action] += 1;
  return summary;
}

/** True when applying would do something: a `read` alone does not. */
export function hasChanges(summary: ChangeSummary): boolean {
  const { read: _read, ...rest } = summary;
  return Object.values(rest).some((count) => count > 0);
}
