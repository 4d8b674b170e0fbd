import { describe, expect, test } from 'vitest';
import {
  isStateInStore,
  refuseFromNothing,
  stateElsewhere,
  stateLocation,
  storedState,
  withKeptBackend,
} from '../../../src/operation/state-place.js';
import { newRecord, type RecordState } from '../../../src/stack/record.js';

const STORE = {};
const URL = { stateUrl: 'postgres://user:hunter2@db/states' };
const KEPT = { keep_backend: true };
const at = '2026-01-01T00:00:00.000Z';
const record = (state?: RecordState) => ({
  ...newRecord('s', at),
  ...(state === undefined ? {} : { state }),
});
const version: RecordState = {
  version: 3,
  digest: `sha256:${'0'.repeat(64)}`,
  fingerprint: 'f',
  at,
};
const elsewhere: RecordState = { backend: 'module', fingerprint: 'f', at };

test("the module's backend goes over the worker's URL, and that over the store", () => {
  expect(isStateInStore(STORE, {})).toBe(true);
  for (const [worker, options] of [
    [STORE, KEPT],
    [URL, {}],
    [URL, KEPT],
  ] as const)
    expect(isStateInStore(worker, options)).toBe(false);
  expect(stateElsewhere(STORE, {}, 'f')).toBeUndefined();
  expect(stateElsewhere(URL, KEPT, 'f')).toEqual({ backend: 'module', fingerprint: 'f' });
  expect(stateElsewhere(URL, {}, 'f')).toEqual({ url: 'postgres://db/states', fingerprint: 'f' });
});

test('a plan is for one place, whatever the password', () => {
  const other = { stateUrl: 'postgres://user:changed@db/states' };
  expect(stateLocation(other, {})).toBe(stateLocation(URL, {}));
  const places = [stateLocation(STORE, {}), stateLocation(URL, {}), stateLocation(STORE, KEPT)];
  expect(new Set(places).size).toBe(3);
});

describe('a state in the store', () => {
  test('is what a run starts from', () => {
    expect(storedState(STORE, {}, record(version))).toEqual(version);
  });
  test('is not, when the run has its state elsewhere, and what is elsewhere is not in the store', () => {
    expect(storedState(STORE, KEPT, record(version))).toBeUndefined();
    expect(storedState(URL, {}, record(version))).toBeUndefined();
    expect(storedState(STORE, {}, record(elsewhere))).toBeUndefined();
    expect(storedState(STORE, {}, undefined)).toBeUndefined();
  });
});

test('a stack whose state is in its module’s backend stays there, until it is said otherwise or brought into the store', () => {
  const targets = ['a.b'];
  expect(withKeptBackend({ targets }, record(elsewhere))).toEqual({ targets, keepBackend: true });
  expect(withKeptBackend(undefined, record(elsewhere))).toEqual({ keepBackend: true });
  expect(withKeptBackend({ keepBackend: false }, record(elsewhere))).toEqual({
    keepBackend: false,
  });
  expect(withKeptBackend({ targets }, record(version))).toEqual({ targets });
  expect(withKeptBackend(undefined, record())).toBeUndefined();
});

describe('a plan that was made from nothing', () => {
  const url: RecordState = { url: 'postgres://db/states', fingerprint: 'f', at };
  const lost = (worker: object, options: object, state?: RecordState) => () =>
    refuseFromNothing(worker, options, record(state), null);

  test('is refused where a state was', () => {
    expect(lost(URL, {}, url)).toThrow(
      expect.objectContaining({
        code: 'StateDamaged',
        message: expect.stringContaining('Put it back there'),
      }),
    );
  });
  test.each([
    ['a worker that has no state URL any more', STORE, {}, url],
    ['a worker that has one now', URL, {}, version],
    ['a worker with another one', { stateUrl: 's3://bucket' }, {}, url],
    ["a module whose backend isn't kept any more", STORE, {}, elsewhere],
    ["a module that has its backend's state from now on", STORE, KEPT, version],
  ])('is refused by %s, which is told where the state is', (_, worker, options, state) => {
    expect(lost(worker, options, state)).toThrow(
      expect.objectContaining({
        code: 'InvalidConfiguration',
        message: expect.stringMatching(/^the state of s was last in .+, and .+ has none/),
      }),
    );
  });
  test('is one as any other where there was none, where all was destroyed, and where a state is', () => {
    expect(lost(URL, {})).not.toThrow();
    expect(lost(URL, {}, { ...url, fingerprint: null })).not.toThrow();
    const entry = { planDigest: `sha256:${'0'.repeat(64)}`, outcome: 'succeeded', at };
    const destroyed = {
      ...record(url),
      operations: [
        { ...entry, operation: 'apply' as const },
        { ...entry, operation: 'destroy' as const },
        { ...entry, operation: 'apply' as const, outcome: 'OperationCanceled' },
      ],
    };
    expect(() => refuseFromNothing(STORE, {}, destroyed, null)).not.toThrow();
    expect(() => refuseFromNothing(STORE, {}, record(url), 'g')).not.toThrow();
  });
  test('is shown to a person after a lost run, whose state may have come nowhere', () => {
    const lostRun = {
      planDigest: `sha256:${'0'.repeat(64)}`,
      attempt: 1,
      operation: 'apply' as const,
      workflowId: 'w',
      runId: 'r',
      at,
      message: 'lost',
    };
    expect(() => refuseFromNothing(URL, {}, { ...record(url), lostRun }, null)).not.toThrow();
  });
});
