/** One mutating run while the store fails at every one of its calls, once before and once after the call took effect. */
import { describe, expect, test } from 'vitest';
import { wholeOf } from '../../../src/content.js';
import { parseJson, stringifyJson } from '../../../src/contract/json.js';
import { loadPlan, savePlan } from '../../../src/plan/plan-store.js';
import { decideAttempt, type ContainerObservation } from '../../../src/stack/attempt.js';
import {
  closeRun,
  markEnded,
  markStarted,
  openAttempt,
  type Attempt,
  type AttemptResult,
} from '../../../src/stack/attempt-store.js';
import { readRecord } from '../../../src/stack/record.js';
import { claimRequest } from '../../../src/stack/requests.js';
import { loadSnapshot, storeVersion, withSnapshot } from '../../../src/state/snapshot.js';
import { createStore, type Store } from '../../../src/store/open-store.js';
import { failingStore, type FailureMode } from '../../support/failing-store.js';
import { makeBundle } from '../plan/make-bundle.js';
import { openTestStore } from '../store/open-test-store.js';

const at = '2026-01-01T00:00:00.000Z';
/** What is outside the store, and survives a worker. */
interface World {
  container: ContainerObservation;
  ran: number;
}

/** What a worker does with an approved plan, whichever worker it is; to be repeated until it ends. */
async function work(store: Store, world: World): Promise<void> {
  const bundle = makeBundle({ previewId: '0'.repeat(32), subject: { stateFingerprint: null } });
  const stackId = bundle.subject.stackId;
  await claimRequest(store, { stackId, requestId: 'q', workflowId: 'w', runId: 'r', at });
  await savePlan(store, bundle, { createdAt: at });
  const plan = await loadPlan(store, stackId, bundle.digest, { now: Date.parse(at) });
  const { attempt } = await openAttempt(store, stackId, {
    planDigest: plan.bundle.digest,
    dockerId: 'd',
    containerName: 'c',
    operation: 'apply',
    workflowId: 'w',
    runId: 'r',
    at,
  });
  const result = attempt.result ?? (await runAttempt(store, world, attempt));
  const { state } = result.data as unknown as { state: Parameters<typeof withSnapshot>[1] };
  await closeRun(store, attempt, (record) => ({
    ...withSnapshot(record, state),
    operations: [...record.operations, { operation: 'apply', outcome: result.outcome, at }],
  }));
}

async function runAttempt(store: Store, world: World, attempt: Attempt): Promise<AttemptResult> {
  const decision = decideAttempt(attempt.status, world.container);
  expect(['create', 'start', 'collect']).toContain(decision);
  if (decision === 'create') world.container = 'created';
  if (decision !== 'collect') {
    await markStarted(store, attempt, 'container', at);
    world.container = 'exited';
    world.ran += 1;
  }
  const meta = { fingerprint: 'l/1', operation: 'apply' as const, at };
  const state = await storeVersion(store, attempt.stackId, Buffer.from('the new state'), meta);
  return markEnded(store, attempt, {
    outcome: 'succeeded',
    data: parseJson(stringifyJson({ state })),
    at,
  });
}

describe.each<FailureMode>(['before', 'after'])(
  'a store that fails once, %s the call took effect:',
  (mode) => {
    test('the plan runs exactly once and its result is recorded exactly once', async () => {
      let failing = 1;
      for (; ; failing += 1) {
        const sound = await openTestStore();
        const world: World = { container: 'missing', ran: 0 };
        const { store: raw, calls } = failingStore(sound.raw, failing, mode);
        let failures = 0;
        for (let tries = 0; tries < 5; tries += 1) {
          try {
            // Each try is another worker: it knows nothing but what is stored.
            await work(await createStore({ ...sound, raw }), world);
            break;
          } catch (error) {
            expect(error).toMatchObject({ code: 'StoreUnavailable' });
            failures += 1;
          }
        }
        const context = `call ${failing}`;
        expect(world.ran, context).toBe(1);
        const { record } = (await readRecord(sound, 'shop'))!;
        expect(record.openRun, context).toBeUndefined();
        expect(record.operations, context).toHaveLength(1);
        const state = await loadSnapshot(sound, record);
        expect((await wholeOf(state!)).toString(), context).toBe('the new state');
        if (calls() < failing) {
          expect(failures).toBe(0);
          break;
        }
        expect(failures, context).toBe(1);
      }
      expect(failing).toBeGreaterThan(20);
    }, 60_000);
  },
);
