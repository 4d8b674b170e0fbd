/** The log of an operation in the store: gzipped chunks under consecutive numbers, each created once. */
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { logChunkSchema, type LogChunk } from '../contract/log.js';
import type { Store } from '../store/open-store.js';
import { damagedObject } from '../store/store-error.js';

/** Whose log it is: all steps of one workflow run. */
export interface LogOwner {
  readonly stackId: string;
  readonly runId: string;
}

/** What the keys of all logs begin with; the stack's id follows. */
export const LOGS = 'logs/';

/** Milliseconds between two looks for a chunk that is not there yet. */
const LOOK = 250;

/** Stores a chunk under its number; false when there is one. Throws `StoreUnavailable`. */
export async function createChunk(
  { objects }: Pick<Store, 'objects'>,
  owner: LogOwner,
  chunk: LogChunk,
): Promise<boolean> {
  const bytes = await promisify(gzip)(JSON.stringify(chunk), { level: 1 });
  return objects.create(chunkKey(owner, chunk.number), bytes);
}

/** A chunk; undefined when there is none yet. Throws `StateDamaged`, `StoreUnavailable`. */
export async function readChunk(
  { objects }: Pick<Store, 'objects'>,
  owner: LogOwner,
  number: number,
): Promise<LogChunk | undefined> {
  const key = chunkKey(owner, number);
  const bytes = await objects.get(key);
  if (bytes === undefined) return undefined;
  const text = (await promisify(gunzip)(bytes)).toString('utf8');
  const parsed = logChunkSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw damagedObject(key, 'it is no chunk of a log');
  return parsed.data;
}

/** How many chunks there are. */
export async function countChunks(
  { objects }: Pick<Store, 'objects'>,
  owner: LogOwner,
): Promise<number> {
  let count = 0;
  for await (const { key } of objects.list(logPrefix(owner))) {
    count = Math.max(count, Number(key.slice(key.lastIndexOf('/') + 1)) + 1);
  }
  return count;
}

/** Chunks from a number on; when that one is not there yet it is waited for, at most `waitMs` (default 0). */
export async function* readChunks(
  store: Pick<Store, 'objects'>,
  owner: LogOwner,
  options: { readonly from?: number; readonly waitMs?: number; readonly signal?: AbortSignal } = {},
): AsyncGenerator<LogChunk> {
  const { from = 0, waitMs = 0, signal } = options;
  const until = Date.now() + waitMs;
  for (let number = from; ;) {
    const chunk = await readChunk(store, owner, number);
    signal?.throwIfAborted();
    if (chunk !== undefined) {
      yield chunk;
      number += 1;
    } else if (number === from && Date.now() < until) {
      await delay(LOOK, undefined, signal === undefined ? {} : { signal });
    } else return;
  }
}

function logPrefix({ stackId, runId }: LogOwner): string {
  return `${LOGS}${stackId}/${runId}/`;
}

function chunkKey(owner: LogOwner, number: number): string {
  return `${logPrefix(owner)}${String(number).padStart(6, '0')}`;
}
