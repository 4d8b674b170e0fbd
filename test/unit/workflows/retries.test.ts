/** What is tried again and when: by the error's code, and by each step's policy. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toFailure } from '../../../activities/activity-scope.js';
import { errorCodeSchema, type ErrorCode } from '../../../src/contract/error-code.js';
import { CodedError } from '../../../src/errors.js';
import { PENDING, WorkflowSandbox, type RetryTimes } from '../../support/workflow-runs.js';

/** Network, registry, engine, store, lock: what the next try may find in order. Of everything else nobody is asked twice. */
const AGAIN: readonly ErrorCode[] = [
  'DockerUnavailable',
  'RegistryUnavailable',
  'TemporalUnavailable',
  'StoreUnavailable',
  'StateLocked',
  'ContainerLost',
  'SetupFailed',
  'WebhookFailed',
];

describe.each(errorCodeSchema.options)('%s', (code) => {
  const failure = toFailure(new CodedError(code, 'x'));
  test(AGAIN.includes(code) ? 'is tried again' : 'is not tried again', () => {
    expect(failure).toMatchObject({ type: code, nonRetryable: !AGAIN.includes(code) });
  });
  test('waits as long as the step says, a lock a quarter of a minute', () => {
    expect(failure.nextRetryDelay).toBe(code === 'StateLocked' ? '15s' : undefined);
  });
});

test('what a module or a backend says to the tool can stand: then it is not asked again either', () => {
  const error = new CodedError('StateLocked', 'x', { final: true });
  expect(toFailure(error)).toMatchObject({ type: 'StateLocked', nonRetryable: true });
});

test('what has no code is a mistake of ours: told, not repeated', () => {
  expect(toFailure(new TypeError('undefined is not a function'))).toMatchObject({
    type: 'InternalError',
    nonRetryable: true,
  });
});

describe('the tries of a step', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const image = {
    reference: 'sha256:1',
    imageId: 'sha256:1',
    name: 'module:1',
    engine: 'opentofu' as const,
  };
  const input = {
    stackId: 'demo',
    operation: 'apply',
    approval: { mode: 'auto', expiresIn: '1h' },
    limits: { runTimeout: '20m', grace: '10m' },
  };
  const summary = { create: 1, update: 0, delete: 0, replace: 0, read: 0, move: 0, import: 0 };
  const planned = {
    basis: 'basis',
    view: {
      planDigest: digest,
      changesDigest: digest,
      operation: 'apply',
      stackId: 'demo',
      image: image.reference,
      engine: 'opentofu',
      toolVersion: '1',
      stateFingerprint: null,
      summary: { ...summary, forget: 0, output: 0 },
      changes: [],
      changeCount: 1,
      outputChanges: [],
      drift: [],
      checks: [],
      notices: [],
      hasUnknown: false,
      createdAt: '2026-01-01T00:00:00.000Z',
      expiresAt: '2026-01-08T00:00:00.000Z',
    },
  };
  const retries: Record<string, RetryTimes> = {};
  let sandbox: WorkflowSandbox;

  beforeAll(async () => {
    sandbox = await WorkflowSandbox.create();
    const run = await sandbox.start('stackOperation', 'stack:demo', input, {
      prepare: () => ({ later: true }),
      prepareLater: () => ({
        dockerId: 'ENGINE',
        module: 'module:1',
        source: { path: 'module' },
        leftOver: { operation: 'apply', workflowId: 'w', runId: 'r' },
      }),
      settle: () => ({ notice: 'settled' }),
      build: () => ({ image, cached: false, push: true, notices: [] }),
      push: () => image,
      preview: () => planned,
      execute: () => PENDING,
      kill: () => ({ message: 'killed' }),
      record: () => undefined,
    });
    await run.update('kill', { reason: 'the test' });
    for (const { type, retry } of run.scheduled) retries[type] = retry;
  });
  afterAll(() => sandbox.close());

  const minutes = (count: number): number => count * 60_000;
  /** Each container is given its time, its grace and ten minutes, four times. */
  const container = 4 * minutes(20 + 10 + 10);
  test.each([
    ['prepare', { maximum: 10_000, within: minutes(5) }],
    ['prepareLater', { maximum: 10_000, within: minutes(5) }],
    ['settle', { maximum: 30_000, within: container }],
    ['build', { maximum: 30_000, within: minutes(120) }],
    ['push', { maximum: 30_000, within: minutes(120) }],
    ['preview', { maximum: 30_000, within: container }],
    ['execute', { maximum: 30_000, within: container }],
    ['kill', { maximum: 5000, within: minutes(5) }],
  ])(
    '%s: a second, twice as long each time up to its limit, as often as its time allows',
    (step, times) => {
      expect(retries[step]).toEqual({ initial: 1000, coefficient: 2, attempts: 0, ...times });
    },
  );
});
