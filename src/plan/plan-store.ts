/** Plan bundles in the store: saved once, found again by digest, by its first digits, or as a stack's latest. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import {
  contentFrom,
  digestContent,
  joinContent,
  piecesOf,
  readContent,
  sizeOf,
  type Content,
  type LargeContent,
} from '../content.js';
import { changeSchema } from '../contract/change.js';
import { parseJsonFast, stringifyJson, type Json } from '../contract/json.js';
import { digestSchema } from '../contract/request.js';
import { CodedError } from '../errors.js';
import type { Store } from '../store/open-store.js';
import { damagedObject } from '../store/store-error.js';
import {
  createPlanBundle,
  planFindingsSchema,
  planSubjectSchema,
  type PlanBundle,
  type PlanFile,
} from './bundle.js';
import { changeLine } from './change-line.js';

/** Form in which plans are stored; 1 had the changes in its first line, and is still read. */
const FORM = 2;

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

const anyHeadSchema = z.looseObject({
  digest: digestSchema,
  previewId: z.string(),
  subject: planSubjectSchema,
  findings: planFindingsSchema,
  hasPlan: z.boolean(),
  note: savedPlanNoteSchema,
});
/** The first line of a stored plan. Then come the changes, a line each, and the plan file. */
const headSchema = z.discriminatedUnion('version', [
  anyHeadSchema.extend({ version: z.literal(1), changes: z.array(changeSchema) }),
  anyHeadSchema.extend({ version: z.literal(FORM), changeBytes: z.int() }),
]);

/** Stores a bundle; saving it again changes nothing. Throws `InvalidOutput` when its plan file is not what it was any more. */
export async function savePlan(
  store: Store,
  bundle: PlanBundle,
  note: Omit<SavedPlanNote, 'expiresAt'> & { readonly maxAgeMs?: number },
): Promise<SavedPlanNote> {
  const { maxAgeMs = PLAN_MAX_AGE_MS, ...rest } = note;
  const created = Date.parse(note.createdAt);
  const full = { ...rest, expiresAt: new Date(created + maxAgeMs).toISOString() };
  const changes = linesAsContent(bundle.changes);
  const head = {
    version: FORM,
    digest: bundle.digest,
    previewId: bundle.previewId,
    subject: bundle.subject,
    findings: bundle.findings,
    changeBytes: changes.size,
    hasPlan: bundle.plan !== undefined,
    note: full,
  };
  const key = planKey(bundle.subject.stackId, created, bundle.digest);
  const content = joinContent([
    Buffer.from(`${stringifyJson(head)}\n`),
    changes,
    ...(bundle.plan === undefined ? [] : [unchanged(bundle.plan)]),
  ]);
  await store.objects.create(key, content);
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
  const content = await store.objects.open(key);
  if (!content) throw notFound(stackId, reference);
  const saved = await unpackPlan(key, content);
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

/** What was digested, and is now read again to be stored: a container is no safe place. */
function unchanged({ content, digest }: PlanFile): LargeContent {
  return {
    size: sizeOf(content),
    async *[Symbol.asyncIterator]() {
      const hash = createHash('sha256');
      for await (const piece of piecesOf(content)) {
        hash.update(piece);
        yield piece;
      }
      if (`sha256:${hash.digest('hex')}` !== digest)
        throw new CodedError(
          'InvalidOutput',
          'the plan file was changed after the preview had ended',
        );
    },
  };
}

/** Reads all of it, and holds the head and the changes. */
async function unpackPlan(key: string, content: Content): Promise<SavedPlan> {
  const reader = readContent(content);
  const line = await reader.line();
  let document: unknown;
  try {
    document = parseJsonFast(line.toString('utf8'));
  } catch (error) {
    throw damagedObject(key, 'not a plan', error);
  }
  const version = (document as { version?: unknown } | null)?.version;
  if (version !== 1 && version !== FORM) {
    throw new CodedError(
      'PlanExpired',
      `this plan was saved in form ${String(version)}, and this version reads forms 1 and ${FORM}: make a new preview`,
    );
  }
  const parsed = headSchema.safeParse(document);
  if (!parsed.success) throw damagedObject(key, 'not a plan of its form', parsed.error);
  const { digest, subject, findings, previewId, hasPlan, note, ...form } = parsed.data;
  const changeBytes = form.version === 1 ? 0 : form.changeBytes;
  const changes =
    form.version === 1 ? form.changes.map(changeLine) : linesIn(await reader.take(changeBytes));
  const plan = {
    content: contentFrom(content, line.length + 1 + changeBytes),
    digest: await digestContent(reader.rest()),
  };
  const bundle = createPlanBundle({
    subject,
    findings,
    changes,
    previewId,
    ...(hasPlan && { plan }),
  });
  if (bundle.digest !== digest || !key.endsWith(digest.slice('sha256:'.length))) {
    throw damagedObject(key, 'its digest differs');
  }
  return { bundle, note };
}

/** Lines with their line feeds, in pieces that are worth a write. */
function linesAsContent(lines: readonly Buffer[]): LargeContent {
  return {
    size: lines.reduce((sum, line) => sum + line.length + 1, 0),
    async *[Symbol.asyncIterator]() {
      let piece: Buffer[] = [];
      let size = 0;
      for (const line of lines) {
        piece.push(line, FEED);
        size += line.length + 1;
        if (size < PIECE) continue;
        yield Buffer.concat(piece);
        piece = [];
        size = 0;
      }
      yield Buffer.concat(piece);
    },
  };
}

const FEED = Buffer.from('\n');
const PIECE = 64 * 1024;

function linesIn(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let from = 0;
  for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
    lines.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return lines;
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
