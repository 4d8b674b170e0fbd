/** The log of an operation: whatever happens to workers and store, every line once or counted as missing. */
import { gzipSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import type { LogChunk } from '../../../src/contract/log.js';
import { CodedError } from '../../../src/errors.js';
import { createLogWriter } from '../../../src/logs/log-writer.js';
import { readChunks } from '../../../src/logs/log-store.js';
import { logText } from '../../../src/logs/log-text.js';
import type { Store } from '../../../src/store/open-store.js';
import { openTestStore } from '../store/open-test-store.js';

const owner = { stackId: 'shop', runId: '0190a0de-0000-7000-8000-000000000000' };
/** A line as the engine stamps it. */
const line = (number: number, text = `line ${number}`) => ({
  at: `2026-01-01T00:00:00.${String(number).padStart(9, '0')}Z`,
  text,
});

async function chunks(store: Store, from = 0): Promise<LogChunk[]> {
  const found: LogChunk[] = [];
  for await (const chunk of readChunks(store, owner, { from })) found.push(chunk);
  return found;
}

const texts = async (store: Store): Promise<string[]> =>
  (await chunks(store)).flatMap(({ lines }) => lines.map(({ text }) => text));

/** A store that can be taken away. */
async function openFragileStore(): Promise<{ store: Store; away: (is: boolean) => void }> {
  const store = await openTestStore();
  let isAway = false;
  const objects: Store['objects'] = {
    ...store.objects,
    create: async (key, bytes) => {
      if (isAway) throw new CodedError('StoreUnavailable', 'the store is away');
      return store.objects.create(key, bytes);
    },
  };
  return { store: { ...store, objects }, away: (is) => (isAway = is) };
}

test('steps follow each other in one log, as text with time and step', async () => {
  const store = await openTestStore();
  for (const [step, number] of [
    ['preview', 1],
    ['apply', 2],
  ] as const) {
    const log = createLogWriter(store, owner, step);
    void log.add(line(number));
    await log.close();
  }
  let text = '';
  for await (const part of logText(readChunks(store, owner))) text += part;
  expect(text).toBe('2026-01-01T00:00:00Z preview line 1\n2026-01-01T00:00:00Z apply   line 2\n');
  expect((await chunks(store, 1)).map(({ number, step }) => [number, step])).toEqual([
    [1, 'apply'],
  ]);
});

test('a worker that follows the container from its beginning again writes what is missing', async () => {
  const store = await openTestStore();
  const first = createLogWriter(store, owner, 'apply');
  for (const number of [1, 2]) void first.add(line(number));
  await first.flush();
  const second = createLogWriter(store, owner, 'apply');
  for (const number of [1, 2, 3]) void second.add(line(number));
  await second.close();
  expect(await texts(store)).toEqual(['line 1', 'line 2', 'line 3']);
});

test('two workers that follow the same container at once write no line twice', async () => {
  const store = await openTestStore();
  const writers = [1, 2].map(() => createLogWriter(store, owner, 'apply'));
  for (let number = 1; number <= 40; number += 1) {
    for (const writer of writers) void writer.add(line(number));
    // Both at the same moment, in changing order.
    if (number % 4 === 0) {
      writers.reverse();
      await Promise.all(writers.map((writer) => writer.flush()));
    }
  }
  await Promise.all(writers.map((writer) => writer.close()));
  expect(await texts(store)).toEqual(Array.from({ length: 40 }, (_, index) => `line ${index + 1}`));
});

test('the same time in another step is another line', async () => {
  const store = await openTestStore();
  for (const step of ['preview', 'apply', 'preview']) {
    const log = createLogWriter(store, owner, step);
    void log.add(line(1, step));
    await log.close();
  }
  expect(await texts(store)).toEqual(['preview', 'apply', 'preview']);
});

test('lines wait for a store that is away for a moment', async () => {
  const { store, away } = await openFragileStore();
  const log = createLogWriter(store, owner, 'apply');
  away(true);
  void log.add(line(1));
  await log.flush();
  away(false);
  void log.add(line(2));
  await log.flush();
  expect(await texts(store)).toEqual(['line 1', 'line 2']);
});

test('a store that stays away costs the oldest lines, which are counted; memory stays bounded', async () => {
  const { store, away } = await openFragileStore();
  const log = createLogWriter(store, owner, 'apply');
  away(true);
  const text = 'x'.repeat(100_000);
  for (let number = 1; number <= 100; number += 1) await log.add(line(number, text));
  away(false);
  await log.flush();
  const [chunk] = await chunks(store);
  expect(chunk?.lines.length).toBeLessThanOrEqual(42);
  expect((chunk?.dropped ?? 0) + (chunk?.lines.length ?? 0)).toBe(100);
  expect(chunk?.lines.at(-1)).toMatchObject({ at: line(100).at });
  const [first] = (await logText(readChunks(store, owner)).next()).value?.split('\n') ?? [];
  expect(first).toBe(`[${chunk?.dropped} lines are missing: the store was not in reach]`);
});

test('a store that never answers is as bad: memory stays bounded when nobody waits for room', async () => {
  const store = await openTestStore();
  let answer = (): void => undefined;
  const silent = new Promise<void>((resolve) => (answer = resolve));
  const objects: Store['objects'] = {
    ...store.objects,
    create: async (key, bytes) => {
      await silent;
      return store.objects.create(key, bytes);
    },
  };
  const log = createLogWriter({ ...store, objects }, owner, 'apply');
  const text = 'x'.repeat(100_000);
  for (let number = 1; number <= 100; number += 1) void log.add(line(number, text));
  answer();
  await log.close();
  const found = await chunks(store);
  const kept = found.flatMap(({ lines }) => lines).length;
  expect(kept).toBeLessThanOrEqual(45);
  expect(kept + found.reduce((sum, { dropped = 0 }) => sum + dropped, 0)).toBe(100);
});

test('a step without a line asks nothing of the store', async () => {
  const store = await openTestStore();
  const asked = vi.fn(() => store.objects);
  const watched = {
    get objects() {
      return asked();
    },
  };
  await createLogWriter(watched, owner, 'build').close();
  expect(asked).not.toHaveBeenCalled();
});

test('whoever adds faster than the store takes is made to wait', async () => {
  const store = await openTestStore();
  const log = createLogWriter(store, owner, 'apply');
  expect(log.add(line(1, 'short'))).toBeUndefined();
  const waits = log.add(line(2, 'x'.repeat(1024 * 1024)));
  expect(waits).toBeInstanceOf(Promise);
  await waits;
  expect((await chunks(store)).length).toBe(1);
  await log.close();
});

test('a reader waits for a chunk that is not there yet, and not for ever', async () => {
  const store = await openTestStore();
  const log = createLogWriter(store, owner, 'apply');
  const reading = readChunks(store, owner, { waitMs: 10_000 }).next();
  void log.add(line(1));
  await log.flush();
  expect((await reading).value).toMatchObject({ number: 0, step: 'apply' });
  expect(await readChunks(store, owner, { from: 1, waitMs: 1 }).next()).toMatchObject({
    done: true,
  });
});

test('a chunk that is none is told, not shown', async () => {
  const store = await openTestStore();
  await store.objects.create(
    `logs/${owner.stackId}/${owner.runId}/000000`,
    gzipSync('{"lines":"no"}'),
  );
  await expect(chunks(store)).rejects.toMatchObject({ code: 'StateDamaged' });
});
