import { describe, expect, test } from 'vitest';
import { wholeOf } from '../../../src/content.js';
import { LosslessNumber, stringifyJson } from '../../../src/contract/json.js';
import { planViewSchema } from '../../../src/contract/operation.js';
import { readChange } from '../../../src/plan/change-line.js';
import { listPlans, loadPlan, savePlan } from '../../../src/plan/plan-store.js';
import { planText, planView } from '../../../src/plan/view.js';
import { digestOf } from '../../../src/store/artefacts.js';
import { openTestStore } from '../store/open-test-store.js';
import { makeBundle } from './make-bundle.js';

const createdAt = '2026-01-01T00:00:00.000Z';
const DAY = 24 * 60 * 60 * 1000;
const soon = { now: Date.parse(createdAt) + DAY };

describe('a saved plan', () => {
  test('is loaded whole by digest, by a prefix, and as the latest', async () => {
    const store = await openTestStore();
    const bundle = makeBundle({
      subject: { inputs: { n: new LosslessNumber('12345678901234567890') } },
    });
    await savePlan(store, makeBundle(), { createdAt: '2025-12-31T00:00:00.000Z' });
    const note = await savePlan(store, bundle, {
      createdAt,
      requestedBy: 'ada',
      run: { network: 'none' },
    });
    expect(note.expiresAt).toBe('2026-01-08T00:00:00.000Z');
    const hex = bundle.digest.slice('sha256:'.length);
    for (const reference of [
      bundle.digest,
      hex,
      hex.slice(0, 16),
      `sha256:${hex.slice(0, 20)}`,
      'latest',
    ]) {
      const saved = await loadPlan(store, 'shop', reference, soon);
      expect(saved.bundle).toEqual(bundle);
      expect(saved.note).toEqual(note);
    }
    expect((await loadPlan(store, undefined, hex, soon)).bundle.digest).toBe(bundle.digest);
  });

  test('with a change that has more members than we know is loaded all the same', async () => {
    const store = await openTestStore();
    const changes = [{ resource: 'r', action: 'create' as const, future: 1 }];
    const bundle = makeBundle({ changes });
    await savePlan(store, bundle, { createdAt });
    expect((await loadPlan(store, 'shop', bundle.digest, soon)).bundle).toEqual(bundle);
  });

  test('saved again is one plan', async () => {
    const store = await openTestStore();
    const bundle = makeBundle();
    await savePlan(store, bundle, { createdAt });
    await savePlan(store, bundle, { createdAt });
    const found = [];
    for await (const plan of listPlans(store)) found.push(plan);
    expect(found).toMatchObject([
      { stackId: 'shop', digest: bundle.digest, createdAt: new Date(createdAt) },
    ]);
  });

  test('of the first form, with the changes in its head, is loaded as it was', async () => {
    const store = await openTestStore();
    const bundle = makeBundle();
    const { digest, previewId, subject, findings } = bundle;
    const note = { createdAt, expiresAt: '2026-01-08T00:00:00.000Z' };
    const changes = bundle.changes.map(readChange);
    const head = { version: 1, digest, previewId, subject, findings, changes, hasPlan: true, note };
    const key = `plans/shop/${Date.parse(createdAt)}-${digest.slice('sha256:'.length)}`;
    await store.objects.put(key, Buffer.from(`${stringifyJson(head)}\nplan file`));
    expect(await loadPlan(store, 'shop', digest, soon)).toEqual({ bundle, note });
  });

  test('of many megabytes is loaded whole, and refused with one bit flipped', async () => {
    const store = await openTestStore();
    const changes = Array.from({ length: 1000 }, (_, index) => ({
      resource: `r.${index}`,
      action: 'create' as const,
      after: { text: `${index} `.repeat(500) },
    }));
    const plan = 'plan file '.repeat(200_000);
    const bundle = makeBundle({ changes, plan });
    await savePlan(store, bundle, { createdAt });
    const loaded = (await loadPlan(store, 'shop', bundle.digest, soon)).bundle;
    expect(loaded.changes.map(readChange)).toEqual(changes);
    expect((await wholeOf(loaded.plan!.content)).toString()).toBe(plan);
    expect(loaded.manifest).toEqual(bundle.manifest);
    const [key] = await keysOf(store.raw.list('plans/'));
    const bytes = Buffer.from((await store.raw.get(key!))!);
    for (const at of [0, 20, 100, 200, bytes.length >> 1, bytes.length - 1]) {
      bytes[at]! ^= 4;
      await store.raw.put(key!, bytes);
      await expect(loadPlan(store, 'shop', bundle.digest, soon)).rejects.toMatchObject({
        code: 'StateDamaged',
      });
      bytes[at]! ^= 4;
    }
  });

  test('whose file is another when it is stored is not stored', async () => {
    const store = await openTestStore();
    const plan = { content: Buffer.from('other'), digest: digestOf('plan file') };
    await expect(savePlan(store, { ...makeBundle(), plan }, { createdAt })).rejects.toMatchObject({
      code: 'InvalidOutput',
    });
    expect(await keysOf(store.raw.list('plans/'))).toEqual([]);
  });

  test('without a plan file has none', async () => {
    const store = await openTestStore();
    const { plan: _plan, ...parts } = makeBundle();
    const { createPlanBundle } = await import('../../../src/plan/bundle.js');
    const bundle = createPlanBundle(parts);
    await savePlan(store, bundle, { createdAt });
    expect((await loadPlan(store, 'shop', bundle.digest, soon)).bundle.plan).toBeUndefined();
    expect(bundle.digest).not.toBe(makeBundle({ plan: '', previewId: bundle.previewId }).digest);
  });

  test('ends after its maximum age to the millisecond, and can still be shown', async () => {
    const store = await openTestStore();
    const bundle = makeBundle();
    await savePlan(store, bundle, { createdAt });
    const end = Date.parse(createdAt) + 7 * DAY;
    await loadPlan(store, 'shop', bundle.digest, { now: end - 1 });
    await expect(loadPlan(store, 'shop', bundle.digest, { now: end })).rejects.toMatchObject({
      code: 'PlanExpired',
      message: expect.stringContaining('make a new preview'),
    });
    await loadPlan(store, 'shop', bundle.digest, { now: end, allowExpired: true });
    const short = makeBundle();
    await savePlan(store, short, { createdAt, maxAgeMs: 1000 });
    await expect(loadPlan(store, 'shop', short.digest, soon)).rejects.toMatchObject({
      code: 'PlanExpired',
    });
  });

  test.each(['latest', `sha256:${'0'.repeat(64)}`, '0'.repeat(16)])(
    '%s that is not there is PlanNotFound',
    async (reference) => {
      const store = await openTestStore();
      await expect(loadPlan(store, 'shop', reference)).rejects.toMatchObject({
        code: 'PlanNotFound',
      });
    },
  );

  test('of another stack is not found under this one', async () => {
    const store = await openTestStore();
    const bundle = makeBundle();
    await savePlan(store, bundle, { createdAt });
    await expect(loadPlan(store, 'other', bundle.digest, soon)).rejects.toMatchObject({
      code: 'PlanNotFound',
    });
  });

  test.each(['abc', '0123456789abcde', 'sha256:', 'LATEST', 'g'.repeat(16), '../x'])(
    '%j names no plan',
    async (reference) => {
      const store = await openTestStore();
      await expect(loadPlan(store, 'shop', reference)).rejects.toMatchObject({
        code: 'InvalidInput',
      });
    },
  );

  test('with one bit flipped in the store is refused by name', async () => {
    const store = await openTestStore();
    const bundle = makeBundle();
    await savePlan(store, bundle, { createdAt });
    const [key] = await keysOf(store.raw.list('plans/'));
    const bytes = Buffer.from((await store.raw.get(key!))!);
    bytes[bytes.length - 20]! ^= 4;
    await store.raw.put(key!, bytes);
    await expect(loadPlan(store, 'shop', bundle.digest, soon)).rejects.toMatchObject({
      code: 'StateDamaged',
      message: expect.stringContaining(key!),
    });
  });

  test('put in the place of another plan is refused', async () => {
    const store = await openTestStore();
    const [a, b] = [makeBundle(), makeBundle({ plan: 'evil' })];
    await savePlan(store, a, { createdAt });
    await savePlan(store, b, { createdAt });
    const keys = await keysOf(store.objects.list('plans/'));
    const keyOf = (digest: string): string => keys.find((key) => key.endsWith(digest.slice(7)))!;
    // Even who holds the keys can't pass one plan off as another: the digest covers it.
    await store.objects.put(keyOf(a.digest), (await store.objects.get(keyOf(b.digest)))!);
    await expect(loadPlan(store, 'shop', a.digest, soon)).rejects.toMatchObject({
      code: 'StateDamaged',
    });
  });

  test('of another version says so', async () => {
    const store = await openTestStore();
    const bundle = makeBundle();
    await savePlan(store, bundle, { createdAt });
    const [key] = await keysOf(store.objects.list('plans/'));
    await store.objects.put(key!, Buffer.from('{"version":3,"digest":"x"}\nrest'));
    await expect(loadPlan(store, 'shop', bundle.digest, soon)).rejects.toMatchObject({
      code: 'PlanExpired',
      message: expect.stringContaining('form 3'),
    });
  });

  test('an ambiguous prefix names the plans it fits', async () => {
    const store = await openTestStore();
    for (const end of ['a', 'b']) {
      await store.objects.put(
        `plans/shop/0000000000001-${'1'.repeat(63)}${end}`,
        Buffer.from('{}\n'),
      );
    }
    await expect(loadPlan(store, 'shop', '1'.repeat(16))).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('fits 2 plans'),
    });
  });
});

test('the view of a plan is what the contract says, what destroys comes first', async () => {
  const store = await openTestStore();
  const changes = [
    ...Array.from({ length: 300 }, (_, index) => ({
      resource: `c.${index}`,
      action: 'create' as const,
    })),
    { resource: 'd.1', action: 'delete' as const },
  ];
  const bundle = makeBundle({ changes });
  await savePlan(store, bundle, { createdAt });
  const view = planView(await loadPlan(store, 'shop', 'latest', soon));
  expect(planViewSchema.parse(view)).toEqual(view);
  expect(view.changes[0]?.resource).toBe('d.1');
  expect(view.changes).toHaveLength(200);
  expect(view.changeCount).toBe(301);
  const whole = planViewSchema.parse(
    JSON.parse([...planText(await loadPlan(store, 'shop', 'latest', soon))].join('')),
  );
  expect(whole.changes).toHaveLength(301);
  expect({ ...whole, changes: whole.changes.slice(0, 200) }).toEqual(view);
});

async function keysOf(list: AsyncIterable<{ key: string }>): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of list) keys.push(key);
  return keys;
}
