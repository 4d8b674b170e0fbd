import { utimes } from 'node:fs/promises';
import { wholeOf } from '../../../src/content.js';
import { createLogWriter } from '../../../src/logs/log-writer.js';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { savePlan } from '../../../src/plan/plan-store.js';
import { closeRun, markEnded, markStarted, openAttempt } from '../../../src/stack/attempt-store.js';
import { sweepStore, type SweepOptions, type SweepReport } from '../../../src/stack/janitor.js';
import { readRecord, updateRecord } from '../../../src/stack/record.js';
import { claimRequest } from '../../../src/stack/requests.js';
import { loadSnapshot, saveSnapshot } from '../../../src/state/snapshot.js';
import type { Store } from '../../../src/store/open-store.js';
import { makeBundle } from '../plan/make-bundle.js';
import { openTestStore } from '../store/open-test-store.js';

const at = '2026-01-01T00:00:00.000Z';
const never = { maxAgeMs: 0, keep: 0 };
/** Everything is old, nothing is kept for its number. */
const strict = {
  plans: never,
  states: never,
  attempts: never,
  requests: never,
  logs: never,
  artefacts: never,
};
const meta = (serial: number) => ({ fingerprint: `l/${serial}`, operation: 'apply' as const, at });

async function keys(store: Store, prefix = ''): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.objects.list(prefix)) found.push(key);
  return found;
}

/** Sweeps in an hour, when everything is older than nothing. */
function sweep(store: Store, options: Partial<SweepOptions> = {}): Promise<SweepReport> {
  return sweepStore(store, {
    retention: strict,
    now: Date.now() + 3_600_000,
    isOpen: () => false,
    ...options,
  });
}

/** A stack that was applied twice, with a later preview; returns the digests of its plans. */
async function fullStack(store: Store, stackId = 'shop'): Promise<string[]> {
  const plans: string[] = [];
  for (const serial of [1, 2]) {
    const bundle = makeBundle({ subject: { stackId } });
    const inputsRef = await store.artefacts.put(Buffer.from(`inputs ${stackId} ${serial}`));
    await savePlan(store, bundle, { createdAt: new Date(serial * 1000).toISOString(), inputsRef });
    plans.push(bundle.digest);
    await claimRequest(store, {
      stackId,
      requestId: `q${serial}`,
      workflowId: 'w',
      runId: 'r',
      at,
    });
    const { attempt } = await openAttempt(store, stackId, {
      planDigest: bundle.digest,
      dockerId: 'd',
      containerName: 'c',
      operation: 'apply',
      workflowId: 'w',
      runId: 'r',
      at,
    });
    await markStarted(store, attempt, 'c', at);
    await saveSnapshot(store, stackId, Buffer.from(`state ${serial}`), meta(serial));
    const response = await store.artefacts.put(Buffer.from(`answer ${stackId} ${serial}`));
    await markEnded(store, attempt, { outcome: 'succeeded', response, at });
    await closeRun(store, attempt, (record) => ({
      ...record,
      lastApplied: { planDigest: bundle.digest, image: 'x', engine: 'opentofu', inputsRef, at },
    }));
  }
  const preview = makeBundle({ subject: { stackId } });
  await savePlan(store, preview, { createdAt: new Date(3000).toISOString() });
  return [...plans, preview.digest];
}

describe('a sweep', () => {
  test('of everything old leaves the record, its state, the applied plan and what they refer to', async () => {
    const store = await openTestStore();
    const [, applied] = await fullStack(store);
    const litter = await store.artefacts.put(Buffer.from('litter'));
    const report = await sweep(store);
    expect(report).toMatchObject({ skipped: [], damaged: [] });
    expect(report.bytes).toBeGreaterThan(0);
    const left = await keys(store);
    expect(
      left.filter((key) => key.startsWith('plans/')).map((key) => `sha256:${key.slice(-64)}`),
    ).toEqual([applied]);
    expect(left.filter((key) => key.startsWith('states/'))).toEqual(['states/shop/0000000002']);
    expect(left.filter((key) => key.startsWith('requests/'))).toEqual([]);
    const { record } = (await readRecord(store, 'shop'))!;
    expect((await wholeOf((await loadSnapshot(store, record))!)).toString()).toBe('state 2');
    expect(await store.artefacts.has(record.lastApplied!.inputsRef!)).toBe(true);
    expect(await store.artefacts.has(litter)).toBe(false);
    // A second sweep takes the marks of the plan that went, and then there is nothing more.
    await sweep(store);
    expect((await sweep(store)).removed).toEqual([]);
    expect((await keys(store, 'attempts/')).every((key) => key.includes(applied!.slice(7)))).toBe(
      true,
    );
  });

  test('leaves the plan of a run that was lost: a resume goes by it', async () => {
    const store = await openTestStore();
    const [lost = '', applied = ''] = await fullStack(store);
    const run = { workflowId: 'w', runId: 'r', at, message: 'lost' };
    await updateRecord(store, 'shop', (record) => ({
      ...record!,
      lostRun: { ...run, planDigest: lost, attempt: 1, operation: 'apply' },
    }));
    await sweep(store);
    const left = (await keys(store, 'plans/')).map((key) => `sha256:${key.slice(-64)}`);
    expect(left.sort()).toEqual([lost, applied].sort());
  });

  test('touches nothing of a stack with an open operation, or that is bound to a run', async () => {
    const store = await openTestStore();
    await fullStack(store, 'waiting');
    await fullStack(store, 'bound');
    await updateRecord(store, 'bound', (record) => ({
      ...record!,
      openRun: {
        planDigest: `sha256:${'a'.repeat(64)}`,
        attempt: 1,
        dockerId: 'd',
        containerName: 'c',
        operation: 'apply',
        workflowId: 'w',
        runId: 'r',
        at,
      },
    }));
    const before = await keys(store);
    const report = await sweep(store, { isOpen: (stackId) => stackId === 'waiting' });
    expect(report.skipped).toEqual(['bound', 'waiting']);
    expect(report.removed).toEqual([]);
    expect(await keys(store)).toEqual(before);
  });

  test('keeps as many as it was told, and what is young', async () => {
    const store = await openTestStore();
    for (let serial = 1; serial <= 6; serial += 1) {
      await saveSnapshot(store, 's', Buffer.from(`state ${serial}`), meta(serial));
    }
    const day = 86_400_000;
    const retention = { ...strict, states: { maxAgeMs: day, keep: 3 } };
    expect((await sweep(store, { retention })).removed).toEqual([]);
    const folder = fileURLToPath(store.url);
    const old = new Date(Date.now() - 2 * day);
    for (const version of [1, 2, 3, 4, 5])
      await utimes(join(folder, `states/s/000000000${version}`), old, old);
    expect((await sweep(store, { retention, dryRun: true })).removed).toHaveLength(3);
    await sweep(store, { retention });
    expect(await keys(store, 'states/')).toEqual(
      [4, 5, 6].map((version) => `states/s/000000000${version}`),
    );
  });

  test('leaves a stack without a record alone: its snapshots may be all there is', async () => {
    const store = await openTestStore();
    await fullStack(store);
    for (const key of await keys(store, 'records/')) await store.objects.delete(key);
    const before = await keys(store, 'states/');
    expect((await sweep(store)).skipped).toEqual(['shop']);
    expect(await keys(store, 'states/')).toEqual(before);
  });

  test('with a damaged object removes no artefact, and names it', async () => {
    const store = await openTestStore();
    await fullStack(store);
    await store.artefacts.put(Buffer.from('litter'));
    const [plan] = await keys(store, 'plans/');
    await store.raw.put(plan!, Buffer.from('garbage'));
    const before = await keys(store, 'artefacts/');
    const report = await sweep(store, { isOpen: () => true });
    expect(report.damaged).toEqual([plan]);
    expect(await keys(store, 'artefacts/')).toEqual(before);
  });

  test('removes old logs, also of a stack that was only previewed, and none of an open one', async () => {
    const store = await openTestStore();
    for (const stackId of ['shop', 'looked-at']) {
      const owner = { stackId, runId: `run-of-${stackId}` };
      const log = createLogWriter(store, owner, 'preview');
      void log.add({ at: '2026-01-01T00:00:00.000000000Z', text: 'planning' });
      await log.close();
    }
    await sweep(store, { isOpen: (stackId) => stackId === 'shop' });
    expect(await keys(store, 'logs/')).toEqual(['logs/shop/run-of-shop/000000']);
  });

  test('keeps artefacts that a running operation needs, and those that were just stored again', async () => {
    const store = await openTestStore();
    const [module, again, litter] = await Promise.all(
      ['module', 'again', 'litter'].map((text) => store.artefacts.put(Buffer.from(text))),
    );
    const folder = fileURLToPath(store.url);
    const old = new Date(Date.now() - 7_200_000);
    for (const key of await keys(store, 'artefacts/')) await utimes(join(folder, key), old, old);
    await store.artefacts.put(Buffer.from('again'));
    const retention = { ...strict, artefacts: { maxAgeMs: 3_600_000 } };
    await sweepStore(store, { retention, isOpen: () => false, protect: new Set([module!]) });
    expect(await store.artefacts.has(module!)).toBe(true);
    expect(await store.artefacts.has(again!)).toBe(true);
    expect(await store.artefacts.has(litter!)).toBe(false);
  });

  test('stops when it is told to', async () => {
    const store = await openTestStore();
    await fullStack(store);
    await expect(sweep(store, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});
