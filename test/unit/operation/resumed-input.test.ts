import { expect, test } from 'vitest';
import type { OperationInput } from '../../../src/contract/operation.js';
import { resumedInput } from '../../../src/operation/resumed-input.js';
import { savePlan } from '../../../src/plan/plan-store.js';
import { newRecord, type StackRecord } from '../../../src/stack/record.js';
import { makeBundle } from '../plan/make-bundle.js';
import { openTestStore } from '../store/open-test-store.js';

const at = '2026-01-01T00:00:00.000Z';
const run = { workflowId: 'stack:shop', runId: 'lost', at };
const resume: OperationInput = { stackId: 'shop', operation: 'apply', resume: true };

async function lostStack() {
  const store = await openTestStore();
  const bundle = makeBundle({
    subject: { options: { targets: ['a.one'], refresh: false, lock_timeout: 30 } },
  });
  const inputsRef = `sha256:${'9'.repeat(64)}`;
  await savePlan(store, bundle, {
    createdAt: at,
    inputsRef,
    run: {
      credentials: ['TOKEN'],
      dockerSocket: true,
      limits: { memory: 100_000_000, network: 'none' },
    },
  });
  const lostRun = {
    ...run,
    planDigest: bundle.digest,
    attempt: 1,
    operation: 'apply' as const,
    message: 'lost',
  };
  const record: StackRecord = { ...newRecord('shop', at), lostRun };
  return { store, bundle, inputsRef, record };
}

test('module, inputs, credentials and options are those of the lost run, old as its plan may be', async () => {
  const { store, bundle, inputsRef, record } = await lostStack();
  expect(await resumedInput({ store }, { ...resume, requestedBy: 'ann' }, record)).toEqual({
    ...resume,
    requestedBy: 'ann',
    module: { image: bundle.subject.image },
    inputs: { archive: inputsRef },
    environment: { AWS_REGION: 'eu-central-1' },
    credentials: ['TOKEN'],
    // It is always looked at what is there: `refresh: false` does not come along.
    options: { targets: ['a.one'], lockTimeout: '30s', dockerSocket: true },
    limits: { memory: 100_000_000, network: 'none' },
    approval: { mode: 'required', expiresIn: '24h' },
  });
});

test('a person is asked whatever the request says; limits may be raised', async () => {
  const { store, record } = await lostStack();
  const approval = {
    mode: 'auto' as const,
    expiresIn: '2h',
    rules: [{ only: ['create' as const], then: 'auto' as const }],
  };
  const limits = { memory: 200_000_000 };
  expect(await resumedInput({ store }, { ...resume, approval, limits }, record)).toMatchObject({
    approval: { mode: 'required', expiresIn: '2h' },
    limits: { memory: 200_000_000, network: 'none' },
  });
  const { approval: asked } = await resumedInput({ store }, { ...resume, approval }, record);
  expect(asked).not.toHaveProperty('rules');
});

test('a run that was left behind is gone on from, too', async () => {
  const { store, bundle, record } = await lostStack();
  const { lostRun: _lost, ...rest } = record;
  const openRun = {
    ...run,
    planDigest: bundle.digest,
    attempt: 1,
    operation: 'apply' as const,
    dockerId: 'E',
    containerName: 'c',
  };
  expect(await resumedInput({ store }, resume, { ...rest, openRun })).toMatchObject({
    module: { image: bundle.subject.image },
  });
});

test.each<[string, Partial<OperationInput>, RegExp]>([
  ['another operation', { operation: 'destroy' }, /is of operation apply, not destroy/],
  ['a module of its own', { module: { image: 'x' }, inputs: {} }, /resume: module, inputs: taken/],
])('%s is refused', async (_, more, message) => {
  const { store, record } = await lostStack();
  await expect(resumedInput({ store }, { ...resume, ...more }, record)).rejects.toMatchObject({
    code: 'InvalidInput',
    message: expect.stringMatching(message) as string,
  });
});

test('without a lost run there is nothing to resume', async () => {
  const { store } = await lostStack();
  await expect(resumedInput({ store }, resume, newRecord('shop', at))).rejects.toMatchObject({
    code: 'InvalidInput',
    message: 'resume: no run of stack shop was lost; start an apply instead',
  });
});
