import { expect, test } from 'vitest';
import { listStacks, type KnownSummaries } from '../../../src/operation/list-stacks.js';
import { newRecord, updateRecord } from '../../../src/stack/record.js';
import { openTestStore } from '../store/open-test-store.js';

const AT = '2026-01-01T00:00:00.000Z';

test('a record that did not change since the last list is not read again', async () => {
  const store = await openTestStore();
  const write = (stackId: string, by: string) =>
    updateRecord(store, stackId, (record) => ({
      ...(record ?? newRecord(stackId, AT)),
      operations: [{ operation: 'apply', outcome: 'succeeded', at: AT, by }],
    }));
  for (const stackId of ['a', 'b', 'c']) await write(stackId, 'ada');
  const reads: string[] = [];
  const counted = {
    ...store,
    objects: {
      ...store.objects,
      get: (key: string) => {
        reads.push(key.split('/')[1] as string);
        return store.objects.get(key);
      },
    },
  };
  const known: KnownSummaries = new Map();
  const list = async () => {
    reads.length = 0;
    const { stacks } = await listStacks({ store: counted }, {}, known);
    return stacks.map(({ stackId, last, damaged }) => [stackId, last?.by ?? damaged]);
  };

  expect(await list()).toEqual([
    ['a', 'ada'],
    ['b', 'ada'],
    ['c', 'ada'],
  ]);
  expect(reads.sort()).toEqual(['a', 'b', 'c']);

  await write('b', 'grace');
  expect(await list()).toEqual([
    ['a', 'ada'],
    ['b', 'grace'],
    ['c', 'ada'],
  ]);
  expect(reads).toEqual(['b']);

  // Somebody else's bytes under a name that is known.
  const [key] = await keysOf(store.objects.list('records/c/'));
  await store.objects.put(key as string, Buffer.from('{}'));
  expect((await list())[2]).toEqual(['c', expect.stringContaining('not a record')]);
});

test('a lost run is named, and stacks with one can be listed alone, page by page', async () => {
  const store = await openTestStore();
  const lostRun = {
    planDigest: `sha256:${'1'.repeat(64)}`,
    attempt: 1,
    operation: 'destroy' as const,
    workflowId: 'stack:b',
    runId: 'r',
    at: AT,
    message: 'it was lost',
  };
  for (const stackId of ['a', 'b', 'c'])
    await updateRecord(store, stackId, () => ({
      ...newRecord(stackId, AT),
      ...(stackId === 'b' ? { lostRun } : {}),
    }));
  const { planDigest: _plan, attempt: _attempt, ...told } = lostRun;
  const { stacks } = await listStacks({ store }, {});
  expect(stacks.map((stack) => [stack.stackId, stack.lostRun])).toEqual([
    ['a', undefined],
    ['b', told],
    ['c', undefined],
  ]);
  expect((await listStacks({ store }, { lost: true })).stacks).toMatchObject([{ stackId: 'b' }]);
  expect((await listStacks({ store }, { lost: true, from: 'c' })).stacks).toEqual([]);
});

async function keysOf(listed: AsyncIterable<{ readonly key: string }>): Promise<string[]> {
  const keys = [];
  for await (const { key } of listed) keys.push(key);
  return keys;
}
