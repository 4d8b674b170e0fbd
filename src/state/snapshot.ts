/** State snapshots: numbered versions in the store, the newest of which the stack's record names. */
import * as z from 'zod';
import {
  contentFrom,
  digestContent,
  joinContent,
  readContent,
  sizeOf,
  type Content,
} from '../content.js';
import { actionSchema } from '../contract/change.js';
import { parseJsonFast, stringifyJson } from '../contract/json.js';
import { engineSchema } from '../contract/module-schema.js';
import { digestSchema } from '../contract/request.js';
import { CodedError } from '../errors.js';
import { hasAttempts } from '../stack/attempt-store.js';
import { newRecord, updateRecord, type RecordState, type StackRecord } from '../stack/record.js';
import type { Store } from '../store/open-store.js';
import { damagedObject } from '../store/store-error.js';

/** What is known of a snapshot besides its bytes. */
export const snapshotMetaSchema = z.object({
  engine: engineSchema.optional(),
  fingerprint: z.string().nullable(),
  serial: z.number().int().optional(),
  lineage: z.string().optional(),
  resources: z.number().int().optional(),
  /** What made this version, e.g. `apply`, or `restore`. */
  operation: z.union([actionSchema, z.literal('restore')]),
  planDigest: digestSchema.optional(),
  by: z.string().optional(),
  at: z.string(),
});
export type SnapshotMeta = z.infer<typeof snapshotMetaSchema>;

const headSchema = snapshotMetaSchema.extend({
  stackId: z.string(),
  version: z.number().int(),
  digest: digestSchema,
});

/** A version of a stack's state. */
export type StateVersion = z.infer<typeof headSchema> & { readonly size: number };

type SnapshotState = Extract<RecordState, { version: number }>;

/**
 * The state that a stack's record names; undefined when the stack never had any.
 * Pass `{stackId}` for a stack without a record. Throws `StateDamaged` when the snapshot is missing, altered,
 * or another one than the record names, and when there are traces of a state that the record does not know.
 */
export async function loadSnapshot(
  store: Store,
  record: Pick<StackRecord, 'stackId'> & Partial<StackRecord>,
): Promise<Content | undefined> {
  const { stackId, state } = record;
  if (state === undefined) {
    await refuseTraces(store, record);
    return undefined;
  }
  if (!('version' in state)) return undefined;
  const found = await readVersion(store, stackId, state.version);
  if (!found) {
    throw damaged(stackId, `version ${state.version} of its state is missing from the store`);
  }
  if (found.meta.digest !== state.digest) {
    throw damaged(
      stackId,
      `version ${state.version} of its state is not the one that its record names`,
    );
  }
  return found.content;
}

/**
 * Stores a new version of a stack's state, reads it back, and only then names it in the record.
 * Bytes equal to the current version make no new one. Older versions stay until the janitor removes them.
 */
export async function saveSnapshot(
  store: Store,
  stackId: string,
  content: Content,
  meta: SnapshotMeta,
): Promise<SnapshotState> {
  const stored = await storeVersion(store, stackId, content, meta);
  await updateRecord(store, stackId, (record) =>
    withSnapshot(record ?? newRecord(stackId, meta.at), stored),
  );
  return stored;
}

/**
 * The first half of `saveSnapshot`: the version is stored and read back, but the record does not name it yet.
 * For callers that put `withSnapshot` into a record change of their own.
 */
export async function storeVersion(
  store: Store,
  stackId: string,
  content: Content,
  meta: SnapshotMeta,
): Promise<SnapshotState> {
  const digest = await digestContent(content);
  let newest = (await versionNumbers(store, stackId)).at(-1) ?? 0;
  // A retry of an interrupted save finds its own bytes in the newest version.
  let stored = newest === 0 ? undefined : await readIfIntact(store, stackId, newest);
  while (stored?.meta.digest !== digest || stored.meta.fingerprint !== meta.fingerprint) {
    newest += 1;
    const head = { ...meta, stackId, version: newest, digest };
    if (!(await store.objects.create(versionKey(stackId, newest), pack(head, content)))) continue;
    stored = await readVersion(store, stackId, newest);
    if (stored?.meta.digest !== digest) {
      throw damaged(stackId, `version ${newest} of its state could not be read back`);
    }
  }
  const { meta: head } = stored;
  return {
    version: head.version,
    digest,
    fingerprint: head.fingerprint,
    ...(head.serial !== undefined && { serial: head.serial }),
    ...(head.lineage !== undefined && { lineage: head.lineage }),
    ...(head.resources !== undefined && { resources: head.resources }),
    at: head.at,
  };
}

/** A record that names a stored version, unless it names a newer one already. */
export function withSnapshot(record: StackRecord, stored: SnapshotState): StackRecord {
  const { state } = record;
  if (state && 'version' in state && state.version >= stored.version) return record;
  return { ...record, state: stored };
}

/** Versions of a stack's state, newest first; damaged ones are left out. */
export async function listStateVersions(
  store: Store,
  stackId: string,
  limit = 20,
): Promise<StateVersion[]> {
  const numbers = (await versionNumbers(store, stackId)).slice(-limit).reverse();
  const found = await Promise.all(numbers.map((number) => readIfIntact(store, stackId, number)));
  return found.flatMap((version) =>
    version ? [{ ...version.meta, size: sizeOf(version.content) }] : [],
  );
}

/** One version. Throws `InvalidInput` when there is no such version, `StateDamaged` when it was altered. */
export async function exportVersion(
  store: Store,
  stackId: string,
  version: number,
): Promise<{ readonly meta: Omit<StateVersion, 'size'>; readonly content: Content }> {
  const found = await readVersion(store, stackId, version);
  if (found) return found;
  throw new CodedError(
    'InvalidInput',
    `stack ${stackId} has no state version ${version}: list them with "state versions"`,
  );
}

/** Numbers of the versions that are stored, ascending. */
export async function versionNumbers(store: Store, stackId: string): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { key } of store.objects.list(`states/${stackId}/`)) {
    numbers.push(Number(key.slice(key.lastIndexOf('/') + 1)));
  }
  return numbers;
}

/** The object that holds a version. */
export function versionKey(stackId: string, version: number): string {
  return `states/${stackId}/${String(version).padStart(10, '0')}`;
}

async function refuseTraces(
  store: Store,
  record: Pick<StackRecord, 'stackId'> & Partial<StackRecord>,
): Promise<void> {
  // While a run is open its first state may be stored and not yet named: harvesting settles that.
  if (record.openRun) return;
  const { stackId } = record;
  if (record.lastApplied) throw damaged(stackId, 'its record knows an apply but no state');
  if ((await versionNumbers(store, stackId)).length > 0) {
    throw damaged(stackId, 'the store holds versions of its state that no record names');
  }
  if (record.version === undefined && (await hasAttempts(store, stackId))) {
    throw damaged(stackId, 'it was applied before, but its record is gone');
  }
}

async function readIfIntact(
  store: Store,
  stackId: string,
  version: number,
): ReturnType<typeof readVersion> {
  try {
    return await readVersion(store, stackId, version);
  } catch (error) {
    if (error instanceof CodedError && error.code === 'StateDamaged') return undefined;
    throw error;
  }
}

async function readVersion(
  store: Store,
  stackId: string,
  version: number,
): Promise<{ meta: z.infer<typeof headSchema>; content: Content } | undefined> {
  const key = versionKey(stackId, version);
  const packed = await store.objects.open(key);
  if (!packed) return undefined;
  const reader = readContent(packed);
  const line = await reader.line();
  const meta = parseHead(key, line);
  const digest = await digestContent(reader.rest());
  if (meta.stackId !== stackId || meta.version !== version || meta.digest !== digest) {
    throw damagedObject(key, 'its content belongs to another version');
  }
  return { meta, content: contentFrom(packed, line.length + 1) };
}

/** One line of JSON, then the bytes. */
function pack(head: z.infer<typeof headSchema>, content: Content): Content {
  return joinContent([Buffer.from(`${stringifyJson(headSchema.parse(head))}\n`), content]);
}

function parseHead(key: string, line: Buffer): z.infer<typeof headSchema> {
  try {
    return headSchema.parse(parseJsonFast(line.toString('utf8')));
  } catch (error) {
    throw damagedObject(key, 'not a snapshot of this version', error);
  }
}

function damaged(stackId: string, why: string): CodedError {
  return new CodedError(
    'StateDamaged',
    `stack ${stackId}: ${why}; nothing was run. Restore a version with "state restore", or the store from its backup`,
  );
}
