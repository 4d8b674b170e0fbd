import { describe, expect, test } from 'vitest';
import {
  ATTEMPT_DECISIONS,
  ATTEMPT_TRANSITIONS,
  decideAttempt,
  isTransition,
  type AttemptStatus,
  type ContainerObservation,
} from '../../../src/stack/attempt.js';
import {
  closeRun,
  lastAttempt,
  markEnded,
  markStarted,
  openAttempt,
  readAttempt,
  type NewRun,
} from '../../../src/stack/attempt-store.js';
import {
  newRecord,
  readRecord,
  updateRecord,
  type StackRecord,
} from '../../../src/stack/record.js';
import { openStore } from '../../../src/store/open-store.js';
import { openTestStore } from '../store/open-test-store.js';

const at = '2026-01-01T00:00:00.000Z';
const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const newRun = (planDigest = digest('a')): NewRun => ({
  planDigest,
  dockerId: 'engine-1',
  containerName: 'cldctl-x-s',
  operation: 'apply',
  workflowId: 'stack:s',
  runId: 'r1',
  at,
});
const statuses: AttemptStatus[] = ['intended', 'started', 'ended'];
const observations = Object.keys(ATTEMPT_DECISIONS.intended) as ContainerObservation[];

describe('what is done with an attempt that is found', () => {
  test('a tool that may have run is never started again', () => {
    const mayHaveRun: ContainerObservation[] = ['running', 'exited', 'dead'];
    for (const status of statuses) {
      for (const observed of mayHaveRun) {
        expect(['create', 'start', 'try-again']).not.toContain(decideAttempt(status, observed));
      }
    }
    // The container is gone and the mark says that it was to be started: nobody knows.
    expect(decideAttempt('started', 'missing')).toBe('harvest');
  });

  test('the same plan is run again only with proof that nothing ran', () => {
    const again = statuses.flatMap((status) =>
      observations
        .filter((observed) =>
          ['create', 'start', 'try-again'].includes(decideAttempt(status, observed)),
        )
        .map((observed) => `${status}, ${observed}`),
    );
    expect(again.sort()).toEqual([
      'intended, created',
      'intended, exited-incomplete',
      'intended, missing',
      'started, created',
      'started, exited-incomplete',
    ]);
  });

  test('an ended attempt gives its result, whatever Docker shows; an engine that is away decides nothing', () => {
    for (const observed of observations)
      expect(decideAttempt('ended', observed)).toBe('return-result');
    for (const status of ['intended', 'started'] as const)
      expect(decideAttempt(status, 'unknown')).toBe('wait');
  });

  test('nothing goes back, and ended is the end', () => {
    const order = ['absent', ...statuses];
    for (const { from, to } of ATTEMPT_TRANSITIONS)
      expect(order.indexOf(to)).toBeGreaterThan(order.indexOf(from));
    expect(isTransition('ended', 'started')).toBe(false);
    expect(isTransition('absent', 'started')).toBe(false);
  });
});

describe('attempts in the store', () => {
  test.each(
    (['absent', ...statuses] as const).flatMap((from) => statuses.map((to) => [from, to] as const)),
  )('from %s to %s: taken exactly when the table has that step', async (from, to) => {
    const store = await openTestStore();
    const ref = { stackId: 's', planDigest: digest('a'), attempt: 1 };
    const nothing = { outcome: 'nothing-ran' as const, exitCode: 0, at };
    const step: Record<AttemptStatus, () => Promise<unknown>> = {
      intended: () => openAttempt(store, 's', newRun()),
      started: () => markStarted(store, ref, 'c1', at),
      ended: () => markEnded(store, ref, nothing),
    };
    const status = async (): Promise<AttemptStatus | 'absent'> =>
      (await readAttempt(store, ref).catch(() => undefined))?.status ?? 'absent';
    if (from !== 'absent') {
      await step.intended();
      if (from !== 'intended') await step[from]();
    }
    expect(await status()).toBe(from);
    await step[to]().catch(() => undefined);
    const moved = from !== to && (await status()) === to;
    expect(moved).toBe(isTransition(from, to));
  });

  test('one life: opened, started, ended, unbound', async () => {
    const store = await openTestStore();
    const { fresh, attempt } = await openAttempt(store, 's', newRun());
    expect(fresh).toBe(true);
    expect(attempt).toMatchObject({
      attempt: 1,
      status: 'intended',
      run: { dockerId: 'engine-1' },
    });
    expect((await readRecord(store, 's'))?.record.openRun).toEqual({ ...newRun(), attempt: 1 });
    await markStarted(store, attempt, 'container-1', at);
    expect(await readAttempt(store, attempt)).toMatchObject({
      status: 'started',
      started: { containerId: 'container-1' },
    });
    const result = {
      outcome: 'succeeded' as const,
      exitCode: 0,
      data: { receipt: { done: 3 } },
      at,
    };
    expect(await markEnded(store, attempt, result)).toEqual(result);
    await closeRun(store, attempt, (record) => ({ ...record, image: 'x' }));
    const { record } = (await readRecord(store, 's'))!;
    expect(record.openRun).toBeUndefined();
    expect(record.image).toBe('x');
    expect(await openAttempt(store, 's', newRun())).toMatchObject({
      fresh: false,
      attempt: { attempt: 1, status: 'ended', result },
    });
  });

  test('asked again at any point, the same attempt is found', async () => {
    const store = await openTestStore();
    const first = await openAttempt(store, 's', newRun());
    expect(await openAttempt(store, 's', { ...newRun(), runId: 'r2' })).toEqual({
      ...first,
      fresh: false,
    });
    await markStarted(store, first.attempt, 'c1', at);
    expect(await openAttempt(store, 's', newRun())).toMatchObject({
      fresh: false,
      attempt: { attempt: 1, status: 'started' },
    });
  });

  test('ten that open the same plan at once share one attempt, and one of them made it', async () => {
    const store = await openTestStore();
    const other = await openStore({ store: store.url });
    const opened = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        openAttempt(index % 2 ? store : other, 's', {
          ...newRun(),
          runId: `r${index}`,
          dockerId: `d${index}`,
        }),
      ),
    );
    expect(opened.filter(({ fresh }) => fresh)).toHaveLength(1);
    expect(
      new Set(opened.map(({ attempt }) => `${attempt.attempt} ${attempt.run.dockerId}`)).size,
    ).toBe(1);
  });

  test('ten plans at once: one binds the stack, the others are told by whom', async () => {
    const store = await openTestStore();
    const opened = await Promise.allSettled(
      Array.from('0123456789', (digit) => openAttempt(store, 's', newRun(digest(digit)))),
    );
    expect(opened.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const { openRun } = (await readRecord(store, 's'))!.record;
    for (const result of opened) {
      if (result.status === 'fulfilled') continue;
      expect(result.reason).toMatchObject({ code: 'StackBusy', detail: { openRun } });
    }
  });

  test('a plan is tried again only after an attempt in which nothing ran', async () => {
    const store = await openTestStore();
    const { attempt } = await openAttempt(store, 's', newRun());
    await markStarted(store, attempt, 'c1', at);
    await markEnded(store, attempt, { outcome: 'nothing-ran', exitCode: 75, at });
    const again = await openAttempt(store, 's', newRun());
    expect(again).toMatchObject({ fresh: true, attempt: { attempt: 2, status: 'intended' } });
    expect((await readRecord(store, 's'))?.record.openRun?.attempt).toBe(2);
    await markStarted(store, again.attempt, 'c2', at);
    await markEnded(store, again.attempt, { outcome: 'failed', exitCode: 1, at });
    await closeRun(store, again.attempt, (record) => record);
    expect(await openAttempt(store, 's', newRun())).toMatchObject({
      fresh: false,
      attempt: { attempt: 2, result: { outcome: 'failed' } },
    });
  });

  test('a second container is refused, the same one is not', async () => {
    const store = await openTestStore();
    const { attempt } = await openAttempt(store, 's', newRun());
    await markStarted(store, attempt, 'c1', at);
    await markStarted(store, attempt, 'c1', '2026-01-02T00:00:00.000Z');
    await expect(markStarted(store, attempt, 'c2', at)).rejects.toMatchObject({
      code: 'OutcomeUnknown',
      message: expect.stringContaining('c1'),
    });
  });

  test('the first result stands', async () => {
    const store = await openTestStore();
    const { attempt } = await openAttempt(store, 's', newRun());
    await markStarted(store, attempt, 'c1', at);
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, exitCode) =>
        markEnded(store, attempt, { outcome: 'failed', exitCode, at }),
      ),
    );
    const { result } = (await readAttempt(store, attempt))!;
    for (const returned of results) expect(returned).toEqual(result);
  });

  test('unbinding twice, or an attempt that is not bound, changes nothing', async () => {
    const store = await openTestStore();
    const { attempt } = await openAttempt(store, 's', newRun());
    await markStarted(store, attempt, 'c1', at);
    await markEnded(store, attempt, { outcome: 'succeeded', at });
    await closeRun(store, attempt, (record) => ({ ...record, image: 'first' }));
    await closeRun(store, attempt, (record) => ({ ...record, image: 'second' }));
    expect((await readRecord(store, 's'))?.record.image).toBe('first');
    await openAttempt(store, 's', newRun(digest('b')));
    await closeRun(store, attempt, (record) => ({ ...record, image: 'third' }));
    expect((await readRecord(store, 's'))?.record.openRun?.planDigest).toBe(digest('b'));
  });

  test('a writer that died between record and mark is found by the next one', async () => {
    const store = await openTestStore();
    const { attempt } = await openAttempt(store, 's', newRun());
    await store.objects.delete(`attempts/s/${'a'.repeat(64)}/000001.intended`);
    expect(await lastAttempt(store, 's', digest('a'))).toBeUndefined();
    expect(await openAttempt(store, 's', { ...newRun(), dockerId: 'engine-2' })).toMatchObject({
      fresh: false,
      attempt: { ...attempt, run: { dockerId: 'engine-1' } },
    });
  });

  test('an attempt under way that the record lost is bound again as it was, not as a new one', async () => {
    const store = await openTestStore();
    const { attempt } = await openAttempt(store, 's', newRun());
    await markStarted(store, attempt, 'c1', at);
    await updateRecord(
      store,
      's',
      ({ openRun: _lost, ...record }: StackRecord = newRecord('s', at)) => record,
    );
    expect(await openAttempt(store, 's', { ...newRun(), dockerId: 'engine-2' })).toMatchObject({
      fresh: false,
      attempt: { attempt: 1, status: 'started', run: { dockerId: 'engine-1' } },
    });
    expect((await readRecord(store, 's'))?.record.openRun?.dockerId).toBe('engine-1');
  });

  test('a started attempt whose first mark is gone is damage, not a plan that was never tried', async () => {
    const store = await openTestStore();
    const { attempt } = await openAttempt(store, 's', newRun());
    await markStarted(store, attempt, 'c1', at);
    await store.objects.delete(`attempts/s/${'a'.repeat(64)}/000001.intended`);
    await expect(openAttempt(store, 's', newRun())).rejects.toMatchObject({ code: 'StateDamaged' });
  });

  test('a result without a start mark is written only as nothing-ran, or with the mark', async () => {
    const store = await openTestStore();
    const { attempt } = await openAttempt(store, 's', newRun());
    await markEnded(store, attempt, { outcome: 'nothing-ran', at });
    expect((await readAttempt(store, attempt))?.started).toBeUndefined();
    await expect(
      markEnded(store, { ...attempt, attempt: 9 }, { outcome: 'failed', at }),
    ).rejects.toMatchObject({ code: 'InternalError' });
  });

  test('an unbound stack keeps what else its record says', async () => {
    const store = await openTestStore();
    const { attempt } = await openAttempt(store, 's', newRun());
    await updateRecord(store, 's', (record) => ({ ...record!, drift: { fingerprint: 'f', at } }));
    await closeRun(store, attempt, (record) => record);
    expect((await readRecord(store, 's'))?.record.drift).toEqual({ fingerprint: 'f', at });
  });
});
