import { describe, expect, test } from 'vitest';
import { wholeOf, type Content } from '../../../src/content.js';
import { openAttempt } from '../../../src/stack/attempt-store.js';
import {
  newRecord,
  readRecord,
  updateRecord,
  type StackRecord,
} from '../../../src/stack/record.js';
import {
  exportVersion,
  listStateVersions,
  loadSnapshot,
  saveSnapshot,
  storeVersion,
  withSnapshot,
} from '../../../src/state/snapshot.js';
import type { Store } from '../../../src/store/open-store.js';
import { openTestStore } from '../store/open-test-store.js';

const at = '2026-01-01T00:00:00.000Z';
const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = async (content: Content | undefined): Promise<string> =>
  (await wholeOf(content!)).toString();
const meta = (serial: number) => ({
  fingerprint: `lineage/${serial}`,
  serial,
  lineage: 'lineage',
  operation: 'apply' as const,
  at,
});
const recordOf = async (store: Store): Promise<StackRecord> =>
  (await readRecord(store, 's'))!.record;
const damaged = (why: string): object => ({
  code: 'StateDamaged',
  message: expect.stringMatching(new RegExp(`stack s.*${why}.*nothing was run|${why}`)),
});

describe('a state snapshot', () => {
  test('is what the record names, byte for byte, version by version', async () => {
    const store = await openTestStore();
    expect(await loadSnapshot(store, { stackId: 's' })).toBeUndefined();
    expect(await saveSnapshot(store, 's', bytes('one\n\n'), meta(1))).toMatchObject({
      version: 1,
      serial: 1,
    });
    expect(await saveSnapshot(store, 's', bytes('two'), meta(2))).toMatchObject({ version: 2 });
    expect(await text(await loadSnapshot(store, await recordOf(store)))).toBe('two');
    expect(await text((await exportVersion(store, 's', 1)).content)).toBe('one\n\n');
    expect(await listStateVersions(store, 's')).toMatchObject([
      { version: 2, serial: 2, size: 3, operation: 'apply' },
      { version: 1, serial: 1, size: 5 },
    ]);
    await expect(exportVersion(store, 's', 3)).rejects.toMatchObject({ code: 'InvalidInput' });
  });

  test('with the same bytes is no new version, an earlier one again is', async () => {
    const store = await openTestStore();
    await saveSnapshot(store, 's', bytes('one'), meta(1));
    expect((await saveSnapshot(store, 's', bytes('one'), meta(1))).version).toBe(1);
    await saveSnapshot(store, 's', bytes('two'), meta(2));
    expect((await saveSnapshot(store, 's', bytes('one'), meta(1))).version).toBe(3);
  });

  test('stored but not named yet is repeated without a second version', async () => {
    const store = await openTestStore();
    await saveSnapshot(store, 's', bytes('one'), meta(1));
    const first = await storeVersion(store, 's', bytes('two'), meta(2));
    expect(await text(await loadSnapshot(store, await recordOf(store)))).toBe('one');
    expect(await storeVersion(store, 's', bytes('two'), meta(2))).toEqual(first);
    await updateRecord(store, 's', (record) => withSnapshot(record!, first));
    expect(await text(await loadSnapshot(store, await recordOf(store)))).toBe('two');
  });

  test('a stray newer version is passed over, and an older one never replaces a newer', async () => {
    const store = await openTestStore();
    const one = await saveSnapshot(store, 's', bytes('one'), meta(1));
    await storeVersion(store, 's', bytes('stray'), meta(2));
    expect((await saveSnapshot(store, 's', bytes('two'), meta(2))).version).toBe(3);
    expect(withSnapshot(await recordOf(store), one).state).toMatchObject({ version: 3 });
  });

  test('two savers at once make two versions and the record names the newer', async () => {
    const store = await openTestStore();
    const saved = await Promise.all(
      ['a', 'b', 'c'].map((text) => saveSnapshot(store, 's', bytes(text), meta(1))),
    );
    expect(new Set(saved.map(({ version }) => version))).toEqual(new Set([1, 2, 3]));
    expect((await recordOf(store)).state).toMatchObject({ version: 3 });
  });

  test('a damaged newest version does not stop a new one', async () => {
    const store = await openTestStore();
    await saveSnapshot(store, 's', bytes('one'), meta(1));
    await store.raw.put('states/s/0000000001', bytes('garbage'));
    expect((await saveSnapshot(store, 's', bytes('two'), meta(2))).version).toBe(2);
    expect(await listStateVersions(store, 's')).toMatchObject([{ version: 2 }]);
  });
});

describe('is never planned as empty:', () => {
  test('a missing snapshot', async () => {
    const store = await openTestStore();
    await saveSnapshot(store, 's', bytes('one'), meta(1));
    await store.objects.delete('states/s/0000000001');
    await expect(loadSnapshot(store, await recordOf(store))).rejects.toMatchObject(
      damaged('version 1 .*missing'),
    );
  });

  test('a snapshot with one bit flipped', async () => {
    const store = await openTestStore();
    await saveSnapshot(store, 's', bytes('one'), meta(1));
    const sealed = Buffer.from((await store.raw.get('states/s/0000000001'))!);
    sealed[sealed.length - 17]! ^= 1;
    await store.raw.put('states/s/0000000001', sealed);
    await expect(loadSnapshot(store, await recordOf(store))).rejects.toMatchObject({
      code: 'StateDamaged',
      message: expect.stringContaining('states/s/0000000001'),
    });
  });

  test('an older snapshot in the newer one’s place', async () => {
    const store = await openTestStore();
    await saveSnapshot(store, 's', bytes('one'), meta(1));
    await saveSnapshot(store, 's', bytes('two'), meta(2));
    const older = await store.raw.get('states/s/0000000001');
    await store.raw.put('states/s/0000000002', older!);
    await expect(loadSnapshot(store, await recordOf(store))).rejects.toMatchObject({
      code: 'StateDamaged',
    });
    // Also when whoever did it holds the keys.
    await store.objects.put(
      'states/s/0000000002',
      (await store.objects.get('states/s/0000000001'))!,
    );
    await expect(loadSnapshot(store, await recordOf(store))).rejects.toMatchObject({
      code: 'StateDamaged',
    });
  });

  test('another snapshot than the record names', async () => {
    const store = await openTestStore();
    await saveSnapshot(store, 's', bytes('one'), meta(1));
    const record = await recordOf(store);
    await store.objects.delete('states/s/0000000001');
    await storeVersion(store, 's', bytes('other'), meta(1));
    await expect(loadSnapshot(store, record)).rejects.toMatchObject(
      damaged('not the one that its record names'),
    );
  });

  test('a stack whose record is gone but whose snapshots are not', async () => {
    const store = await openTestStore();
    await storeVersion(store, 's', bytes('one'), meta(1));
    await expect(loadSnapshot(store, { stackId: 's' })).rejects.toMatchObject(
      damaged('no record names'),
    );
    await expect(loadSnapshot(store, newRecord('s', at))).rejects.toMatchObject(
      damaged('no record names'),
    );
  });

  test('a stack whose record is gone but that was applied', async () => {
    const store = await openTestStore();
    await openAttempt(store, 's', {
      planDigest: `sha256:${'a'.repeat(64)}`,
      dockerId: 'd',
      containerName: 'c',
      operation: 'apply',
      workflowId: 'w',
      runId: 'r',
      at,
    });
    expect(await loadSnapshot(store, await recordOf(store))).toBeUndefined();
    await store.objects.delete('records/s/0000000001');
    await expect(loadSnapshot(store, { stackId: 's' })).rejects.toMatchObject(
      damaged('its record is gone'),
    );
  });

  test('a record that knows an apply but no state', async () => {
    const store = await openTestStore();
    const lastApplied = {
      planDigest: `sha256:${'a'.repeat(64)}`,
      image: 'x',
      engine: 'opentofu' as const,
      at,
    };
    await expect(loadSnapshot(store, { ...newRecord('s', at), lastApplied })).rejects.toMatchObject(
      damaged('knows an apply but no state'),
    );
  });
});

test('a stack with a state URL has no snapshot here', async () => {
  const store = await openTestStore();
  const state = { url: 'postgres://db/x', fingerprint: 'l/1', at };
  expect(await loadSnapshot(store, { ...newRecord('s', at), state })).toBeUndefined();
});
