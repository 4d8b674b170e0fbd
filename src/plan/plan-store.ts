/** Plan bundles in the store: saved once, found again by digest, by its first digits, or as a stack's latest. */
import * as z from 'zod';
import { changeSchema } from '../contract/change.js';
import { parseJsonFast, stringifyJson, type Json } from '../contract/json.js';
import { digestSchema } from '../contract/request.js';
import { CodedError } from '../errors.js';
import type { Store } from '../store/open-store.js';
import { damagedObject } from '../store/store-error.js';
import {
  BUNDLE_VERSION,
  createPlanBundle,
  planFindingsSchema,
  planSubjectSchema,
  type PlanBundle,
} from './bundle.js';

/** Default age at which a saved plan ends: providers put expiring tokens into plans. */
export const PLAN_MAX_AGE_MS = 7 * 24 * 60 * 60 * 1000;

/** What is stored beside the bundle and not covered by its digest; the object's encryption protects it. */
export const savedPlanNoteSchema = z.object({
  createdAt: z.string(),
  /** After this the plan can be shown but not approved or applied. */
  expiresAt: z.string(),
  requestedBy: z.string().optional(),
  /** Artefact with the inputs as they were asked for: references, not values. */
  inputsRef: digestSchema.optional(),
  /** What else the apply needs to run the same way: credentials by name, limits, grants. */
  run: z.record(z.string(), z.custom<Json>()).optional(),
});
export type SavedPlanNote = z.infer<typeof savedPlanNoteSchema>;

/** A bundle with its note, as loaded. */
export interface SavedPlan {
  readonly bundle: PlanBundle;
  readonly note: SavedPlanNote;
}

const headSchema = z.looseObject({
  version: z.literal(BUNDLE_VERSION),
  digest: digestSchema,
  previewId: z.string(),
  subject: planSubjectSchema,
  findings: planFindingsSchema,
  changes: z.array(changeSchema),
  hasPlan: z.boolean(),
  note: savedPlanNoteSchema,
});

/** Stores a bundle; saving it again changes nothing. */
export async function savePlan(
  store: Store,
  bundle: PlanBundle,
  note: Omit<SavedPlanNote, 'expiresAt'> & { readonly maxAgeMs?: number },
): Promise<SavedPlanNote> {
  const { maxAgeMs = PLAN_MAX_AGE_MS, ...rest } = note;
  const created = Date.parse(note.createdAt);
  const full = { ...rest, expiresAt: new Date(created + maxAgeMs).toISOString() };
  const head = {
    version: BUNDLE_VERSION,
    digest: bundle.digest,
    previewId: bundle.previewId,
    subject: bundle.subject,
    findings: bundle.findings,
    changes: bundle.changes,
    hasPlan: bundle.plan !== undefined,
    note: full,
  };
  const key = planKey(bundle.subject.stackId, created, bundle.digest);
  const bytes = Buffer.concat([
    Buffer.from(`${stringifyJson(head)}\n`),
    bundle.plan ?? Buffer.alloc(0),
  ]);
  await store.objects.create(key, bytes);
  return full;
}

/** How `loadPlan` looks. */
export interface LoadPlanOptions {
  /** Milliseconds since 1970; default: the clock. */
  readonly now?: number;
  /** Load an expired plan too, to show it. Default false. */
  readonly allowExpired?: boolean;
}

/**
 * Loads a plan by digest, by its first 16 or more hex digits, or `latest`; `stackId` undefined looks in all stacks.
 * Throws `PlanNotFound`, `PlanExpired` (too old, or of another version), `InvalidInput` (ambiguous), `StateDamaged`.
 */
export async function loadPlan(
  store: Store,
  stackId: string | undefined,
  reference: string,
  options: LoadPlanOptions = {},
): Promise<SavedPlan> {
  const key = await findPlan(store, stackId, reference);
  const bytes = await store.objects.get(key);
  if (!bytes) throw notFound(stackId, reference);
  const saved = unpackPlan(key, bytes);
  const now = options.now ?? Date.now();
  if (!options.allowExpired && now >= Date.parse(saved.note.expiresAt)) {
    throw new CodedError(
      'PlanExpired',
      `plan ${saved.bundle.digest.slice(0, 23)} ended at ${saved.note.expiresAt}: make a new preview`,
    );
  }
  return saved;
}

/** A plan that is stored: its stack, digest and when it was made. */
export interface PlanEntry {
  readonly key: string;
  readonly stackId: string;
  readonly digest: string;
  readonly createdAt: Date;
}

/** Plans of a stack, or of all, oldest first within a stack. */
export async function* listPlans(store: Store, stackId?: string): AsyncIterable<PlanEntry> {
  for await (const { key } of store.objects.list(
    stackId === undefined ? 'plans/' : `plans/${stackId}/`,
  )) {
    const [, stack = '', name = ''] = key.split('/');
    const [time = '', hex = ''] = name.split('-');
    yield { key, stackId: stack, digest: `sha256:${hex}`, createdAt: new Date(Number(time)) };
  }
}

async function findPlan(
  store: Store,
  stackId: string | undefined,
  reference: string,
): Promise<string> {
  const prefix = /^(?:sha256:)?([0-9a-f]{16,64})$/.exec(reference)?.[1];
  if (prefix === undefined && reference !== 'latest') {
    throw new CodedError(
      'InvalidInput',
      `${reference} names no plan: give its digest, at least the first 16 hex digits, or "latest"`,
    );
  }
  const found = new Map<string, string>();
  let latest: string | undefined;
  for await (const plan of listPlans(store, stackId)) {
    latest = plan.key;
    if (prefix !== undefined && plan.digest.startsWith(`sha256:${prefix}`))
      found.set(plan.digest, plan.key);
  }
  if (found.size > 1) {
    throw new CodedError(
      'InvalidInput',
      `${reference} fits ${found.size} plans: ${[...found.keys()].join(', ')}; give more digits`,
    );
  }
  const key =
    prefix === undefined ? (stackId === undefined ? undefined : latest) : [...found.values()][0];
  if (key === undefined) throw notFound(stackId, reference);
  return key;
}

function unpackPlan(key: string, bytes: Uint8Array): SavedPlan {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = buffer.indexOf(0x0a);
  let document: unknown;
  try {
    document = parseJsonFast(buffer.toString('utf8', 0, end));
  } catch (error) {
    throw damagedObject(key, 'not a plan', error);
  }
  const version = (document as { version?: unknown } | null)?.version;
  if (version !== BUNDLE_VERSION) {
    throw new CodedError(
      'PlanExpired',
      `this plan was saved in form ${String(version)}, and this version reads form ${BUNDLE_VERSION}: make a new preview`,
    );
  }
  const parsed = headSchema.safeParse(document);
  if (!parsed.success) throw damagedObject(key, 'not a plan of its form', parsed.error);
  const { digest, subject, findings, changes, previewId, hasPlan, note } = parsed.data;
  const bundle = createPlanBundle({
    subject,
    findings,
    changes,
    previewId,
    ...(hasPlan && { plan: buffer.subarray(end + 1) }),
  });
  if (bundle.digest !== digest || !key.endsWith(digest.slice('sha256:'.length))) {
    throw damagedObject(key, 'its digest differs');
  }
  return { bundle, note };
}

function planKey(stackId: string, created: number, digest: string): string {
  return `plans/${stackId}/${String(created).padStart(13, '0')}-${digest.slice('sha256:'.length)}`;
}

function notFound(stackId: string | undefined, reference: string): CodedError {
  const where = stackId === undefined ? '' : ` of stack ${stackId}`;
  return new CodedError(
    'PlanNotFound',
    `the store has no plan ${reference}${where}: make a new preview`,
    { detail: { reference } },
  );
}
