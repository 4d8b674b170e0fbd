import { describe, expect, test } from 'vitest';
import { LosslessNumber } from '../../../src/contract/json.js';
import {
  listStacks,
  newRecord,
  OPERATION_LOG,
  readRecord,
  StoreConflict,
  updateRecord,
  writeRecord,
} from '../../../src/stack/record.js';
import { claimRequest, readRequest } from '../../../src/stack/requests.js';
import { openStore, type Store } from '../../../src/store/open-store.js';
import { openTestStore } from '../store/open-test-store.js';

const at = '2026-01-01T00:00:00.000Z';

describe('a stack record', () => {
  test('is written once per number: who read an older one gets a conflict', async () => {
    const store = await openTestStore();
    expect(await readRecord(store, 's')).toBeUndefined();
    expect(await writeRecord(store, 's', 0, newRecord('s', at))).toBe(1);
    await expect(writeRecord(store, 's', 0, newRecord('s', at))).rejects.toThrow(StoreConflict);
    expect(await writeRecord(store, 's', 1, { ...newRecord('s', at), image: 'x' })).toBe(2);
    expect(await readRecord(store, 's')).toMatchObject({ number: 2, record: { image: 'x' } });
  });

  test('of many who update at once none is lost', async () => {
    const store = await openTestStore();
    const other = await openStore({ store: store.url });
    await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        updateRecord(index % 2 ? store : other, 's', (record = newRecord('s', at)) => ({
          ...record,
          operations: [...record.operations, { operation: 'apply', outcome: String(index), at }],
        })),
      ),
    );
    const found = await readRecord(store, 's');
    expect(found?.number).toBe(12);
    expect(new Set(found?.record.operations.map(({ outcome }) => outcome)).size).toBe(12);
  });

  test('that is not changed is not written', async () => {
    const store = await openTestStore();
    await updateRecord(store, 's', () => newRecord('s', at));
    expect((await updateRecord(store, 's', (record) => record!)).number).toBe(1);
  });

  test('keeps few old numbers, and a sleeper cannot write one that is gone', async () => {
    const store = await openTestStore();
    for (let number = 0; number < 40; number += 1)
      await writeRecord(store, 's', number, newRecord('s', at));
    expect(await count(store, 'records/s/')).toBeLessThanOrEqual(17);
    await expect(writeRecord(store, 's', 3, newRecord('s', at))).rejects.toThrow(StoreConflict);
    expect((await readRecord(store, 's'))?.number).toBe(40);
    expect(await count(store, 'records/s/')).toBeLessThanOrEqual(17);
  });

  test('remembers the last operations and exact numbers', async () => {
    const store = await openTestStore();
    const big = new LosslessNumber('12345678901234567890');
    await updateRecord(store, 's', () => ({
      ...newRecord('s', at),
      outputs: { id: { value: big }, nested: { value: { a: [big] }, sensitive: true } },
      operations: Array.from({ length: 70 }, (_, index) => ({
        operation: 'apply' as const,
        outcome: String(index),
        at,
      })),
    }));
    const { record } = (await readRecord(store, 's'))!;
    expect(record.operations).toHaveLength(OPERATION_LOG);
    expect(record.operations.at(-1)?.outcome).toBe('69');
    expect(record.outputs).toEqual({
      id: { value: big },
      nested: { value: { a: [big] }, sensitive: true },
    });
  });

  test('altered, of another stack or of another version is refused by name', async () => {
    const store = await openTestStore();
    await writeRecord(store, 's', 0, newRecord('s', at));
    const key = 'records/s/0000000001';
    const refused = async (): Promise<void> => {
      await expect(readRecord(store, 's')).rejects.toMatchObject({
        code: 'StateDamaged',
        message: expect.stringContaining(key),
      });
    };
    const sealed = (await store.raw.get(key))!;
    await store.raw.put(key, sealed.subarray(0, sealed.length - 1));
    await refused();
    for (const text of [
      '{',
      '{}',
      JSON.stringify(newRecord('other', at)),
      JSON.stringify({ ...newRecord('s', at), version: 2 }),
    ]) {
      await store.objects.put(key, Buffer.from(text));
      await refused();
    }
  });

  test('put back under a later number by someone without the keys is refused', async () => {
    const store = await openTestStore();
    await writeRecord(store, 's', 0, newRecord('s', at));
    await store.raw.put('records/s/0000000002', (await store.raw.get('records/s/0000000001'))!);
    await expect(readRecord(store, 's')).rejects.toMatchObject({ code: 'StateDamaged' });
  });

  test('stacks are listed once each', async () => {
    const store = await openTestStore();
    for (const stackId of ['b', 'a', 'a-b', 'a.b']) {
      await updateRecord(store, stackId, () => newRecord(stackId, at));
      await updateRecord(store, stackId, (record) => ({ ...record!, image: 'x' }));
    }
    const found: string[] = [];
    for await (const { stackId } of listStacks(store)) found.push(stackId);
    expect(found.sort()).toEqual(['a', 'a-b', 'a.b', 'b']);
  });
});

describe('a request id', () => {
  const entry = { stackId: 's', requestId: 'pr/42 – ü', workflowId: 'stack:s', runId: 'r1', at };

  test('belongs to the first run that claims it, however often that one asks', async () => {
    const store = await openTestStore();
    expect(await claimRequest(store, entry)).toEqual({ claimed: true, entry });
    expect(await claimRequest(store, entry)).toEqual({ claimed: true, entry });
    expect(await claimRequest(store, { ...entry, runId: 'r2' })).toEqual({ claimed: false, entry });
    expect(await readRequest(store, 's', entry.requestId)).toEqual(entry);
    expect(await readRequest(store, 'other', entry.requestId)).toBeUndefined();
  });

  test('claimed by many at once goes to one', async () => {
    const store = await openTestStore();
    const claims = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        claimRequest(store, { ...entry, runId: `r${index}` }),
      ),
    );
    expect(claims.filter(({ claimed }) => claimed)).toHaveLength(1);
    expect(new Set(claims.map((claim) => claim.entry.runId)).size).toBe(1);
  });
});

async function count(store: Store, prefix: string): Promise<number> {
  let found = 0;
  for await (const _ of store.objects.list(prefix)) found += 1;
  return found;
}
