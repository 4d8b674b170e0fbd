/** The stack record: what is known of a stack, durable and changed only by compare-and-set. */
import * as z from 'zod';
import {
  actionSchema,
  changeSummarySchema,
  jsonSchema,
  receiptCountsSchema,
  type Action,
} from '../contract/change.js';
import { parseJsonFast, stringifyJson } from '../contract/json.js';
import { lostRunSchema } from '../contract/lost-run.js';
import { engineSchema, runtimeSchema } from '../contract/module-schema.js';
import {
  moduleSourceSchema,
  recordedDecisionSchema,
  stackIdSchema,
} from '../contract/operation.js';
import { recordOf } from '../contract/record-of.js';
import { digestSchema } from '../contract/request.js';
import type { Store } from '../store/open-store.js';
import { damagedObject } from '../store/store-error.js';

/** The mutating run that a stack is bound to, from before its container exists until it was harvested. */
export const openRunSchema = z.object({
  planDigest: digestSchema,
  attempt: z.number().int().min(1),
  /** The Docker engine that alone may run mutations of this stack until then. */
  dockerId: z.string(),
  containerName: z.string(),
  operation: actionSchema,
  workflowId: z.string(),
  runId: z.string(),
  /** Limits and grants that the container was made with: a container is adopted only by an equal run. */
  input: z.record(z.string(), jsonSchema).optional(),
  at: z.string(),
});
export type OpenRun = z.infer<typeof openRunSchema>;

/** Where the state is: a snapshot version in the store, a backend URL (without credentials), or the backend that the module names. */
export const recordStateSchema = z.union([
  z.object({
    version: z.number().int().min(1),
    /** Digest of the snapshot's bytes. */
    digest: digestSchema,
    fingerprint: z.string().nullable(),
    serial: z.number().int().optional(),
    lineage: z.string().optional(),
    resources: z.number().int().optional(),
    at: z.string(),
  }),
  z.object({ url: z.string(), fingerprint: z.string().nullable(), at: z.string() }),
  z.object({
    backend: z.literal('module'),
    fingerprint: z.string().nullable(),
    at: z.string(),
  }),
]);
export type RecordState = z.infer<typeof recordStateSchema>;

/** One line of a stack's operation log. */
export const operationEntrySchema = z.object({
  operation: actionSchema,
  planDigest: digestSchema.optional(),
  /** An outcome of the contract, or the error code of a failed operation. */
  outcome: z.string(),
  at: z.string(),
  by: z.string().optional(),
  workflowId: z.string().optional(),
  runId: z.string().optional(),
  requestId: z.string().optional(),
  image: z.string().optional(),
  summary: changeSummarySchema.optional(),
  receipt: receiptCountsSchema.optional(),
  decisions: z.array(recordedDecisionSchema).optional(),
  stateVersion: z.number().int().optional(),
  /** Artefacts of the operation by name: log, events, answer. */
  artefacts: z.record(z.string(), digestSchema).optional(),
});
export type OperationEntry = z.infer<typeof operationEntrySchema>;

/** What a run ran with; enough to repeat it or go back to it. */
export const lastAppliedSchema = z.object({
  planDigest: digestSchema,
  image: z.string(),
  engine: engineSchema,
  toolVersion: z.string().optional(),
  module: moduleSourceSchema.optional(),
  /** Artefact with the inputs as they were asked for: references, not values. */
  inputsRef: digestSchema.optional(),
  environment: recordOf(z.string()).optional(),
  credentials: z.array(z.string()).optional(),
  at: z.string(),
});
export type LastApplied = z.infer<typeof lastAppliedSchema>;

export const stackRecordSchema = z.looseObject({
  version: z.literal(1),
  stackId: stackIdSchema,
  createdAt: z.string(),
  engine: engineSchema.optional(),
  runtime: runtimeSchema.optional(),
  image: z.string().optional(),
  module: moduleSourceSchema.optional(),
  inputsRef: digestSchema.optional(),
  state: recordStateSchema.optional(),
  /** Output values; those of sensitive outputs too, which is why records are encrypted. */
  outputs: recordOf(z.object({ value: jsonSchema, sensitive: z.boolean().optional() })).optional(),
  openRun: openRunSchema.optional(),
  /** The run that was lost last, until a person approved an operation that knew of it. */
  lostRun: lostRunSchema.optional(),
  /** The drift that was reported last; a drift with this fingerprint is not reported again. */
  drift: z
    .object({
      fingerprint: z.string(),
      at: z.string(),
      /** The run that reported it. */
      runId: z.string().optional(),
      /** An operation that accepts it or puts things back was started. */
      acted: z.boolean().optional(),
    })
    .optional(),
  /** The last `OPERATION_LOG` operations, newest last. */
  operations: z.array(operationEntrySchema),
  /** What the last apply that succeeded ran with. */
  lastApplied: lastAppliedSchema.optional(),
  /** What the last mutating run ran with, however it ended: the state may be of its making. */
  lastRun: lastAppliedSchema.optional(),
});
export type StackRecord = z.infer<typeof stackRecordSchema>;

/** Operations that a record remembers. */
export const OPERATION_LOG = 50;
/** Newest record numbers that are kept. */
const KEPT_RECORDS = 16;
/** Tries of `updateRecord` before it gives the conflict to its caller. */
const UPDATE_TRIES = 20;

/** Someone else wrote the record first: read it again, decide again. */
export class StoreConflict extends Error {
  override readonly name = 'StoreConflict';
  constructor(readonly stackId: string) {
    super(`the record of stack ${stackId} was changed by another writer`);
  }
}

/** A record and its number; numbers grow by one with each write. */
export interface NumberedRecord {
  readonly number: number;
  readonly record: StackRecord;
}

/** A record of a stack that nothing has been done with. */
export function newRecord(stackId: string, at: string): StackRecord {
  return { version: 1, stackId, createdAt: at, operations: [] };
}

/**
 * What an operation that names no module goes by: an apply goes back to what was applied last, everything else takes what ran last.
 * Undefined when nothing ever ran.
 */
export function runToRepeat(
  record: StackRecord | undefined,
  operation: Action,
): LastApplied | undefined {
  if (operation === 'apply') return record?.lastApplied ?? record?.lastRun;
  return record?.lastRun ?? record?.lastApplied;
}

/**
 * The newest record of a stack, or undefined when it has none; `listed` is its number where that was just listed.
 * Throws `StateDamaged` when it was altered.
 */
export async function readRecord(
  store: Store,
  stackId: string,
  listed?: number,
): Promise<NumberedRecord | undefined> {
  for (let tries = 1; ; tries += 1) {
    const known = tries === 1 ? listed : undefined;
    const number = known ?? (await recordNumbers(store, stackId)).at(-1);
    if (number === undefined) return undefined;
    const key = recordKey(stackId, number);
    const bytes = await store.objects.get(key);
    if (!bytes) {
      // Gone between listing and reading: newer ones exist, and old numbers were tidied up.
      if (tries < UPDATE_TRIES) continue;
      throw damagedObject(key, 'it is listed but not there');
    }
    const parsed = stackRecordSchema.safeParse(parseStored(key, bytes));
    if (!parsed.success) {
      throw damagedObject(
        key,
        `not a record of this version: ${z.prettifyError(parsed.error).split('\n')[0]}`,
      );
    }
    if (parsed.data.stackId !== stackId) throw damagedObject(key, 'the record of another stack');
    return { number, record: parsed.data };
  }
}

/**
 * Writes record `expectedNumber + 1` (0: the stack has none yet) and returns its number.
 * Throws `StoreConflict` when that number exists or has existed.
 */
export async function writeRecord(
  store: Store,
  stackId: string,
  expectedNumber: number,
  record: StackRecord,
): Promise<number> {
  const number = expectedNumber + 1;
  const trimmed = { ...record, operations: record.operations.slice(-OPERATION_LOG) };
  const bytes = Buffer.from(stringifyJson(stackRecordSchema.parse(trimmed)));
  if (!(await store.objects.create(recordKey(stackId, number), bytes)))
    throw new StoreConflict(stackId);
  const numbers = await recordNumbers(store, stackId);
  const newest = numbers.at(-1) ?? number;
  // A writer that slept may create a number that was tidied up long ago: then newer ones do not follow on it.
  if (numbers.indexOf(newest) - numbers.indexOf(number) !== newest - number) {
    await store.objects.delete(recordKey(stackId, number));
    throw new StoreConflict(stackId);
  }
  const outdated = numbers.filter((old) => old <= newest - KEPT_RECORDS);
  await Promise.all(outdated.map((old) => store.objects.delete(recordKey(stackId, old))));
  return number;
}

/**
 * Reads, changes and writes a record, again from the start whenever another writer was first.
 * `change` gets undefined when there is no record and may run more than once; when it returns what it got, nothing is written.
 */
export async function updateRecord(
  store: Store,
  stackId: string,
  change: (record: StackRecord | undefined) => StackRecord | Promise<StackRecord>,
): Promise<NumberedRecord> {
  for (let tries = 1; ; tries += 1) {
    const current = await readRecord(store, stackId);
    const record = await change(current?.record);
    if (current && record === current.record) return current;
    try {
      return { number: await writeRecord(store, stackId, current?.number ?? 0, record), record };
    } catch (error) {
      if (!(error instanceof StoreConflict) || tries === UPDATE_TRIES) throw error;
    }
  }
}

/** The newest record of a stack as a listing shows it. */
export interface ListedRecord {
  readonly stackId: string;
  readonly number: number;
  readonly modified: Date;
}

/** All stacks that have a record, in the order of their keys. */
export async function* listStacks(store: Store, prefix = ''): AsyncIterable<ListedRecord> {
  let last: ListedRecord | undefined;
  for await (const { key, modified } of store.objects.list(`records/${prefix}`)) {
    const [, stackId = '', number] = key.split('/');
    if (last !== undefined && last.stackId !== stackId) yield last;
    last = { stackId, number: Number(number), modified };
  }
  if (last !== undefined) yield last;
}

async function recordNumbers(store: Store, stackId: string): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { key } of store.objects.list(`records/${stackId}/`)) {
    numbers.push(Number(key.slice(key.lastIndexOf('/') + 1)));
  }
  return numbers;
}

function recordKey(stackId: string, number: number): string {
  return `records/${stackId}/${String(number).padStart(10, '0')}`;
}

function parseStored(key: string, bytes: Uint8Array): unknown {
  try {
    return parseJsonFast(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw damagedObject(key, 'not JSON', error);
  }
}
