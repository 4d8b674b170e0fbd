import { expect, test } from 'vitest';
import type { ErrorCode } from '../../../src/contract/error-code.js';
import type { LostRun, LostRunKey } from '../../../src/contract/lost-run.js';
import type { Mutation } from '../../../src/operation/types.js';
import { besidePlan, lostRunAfter } from '../../../src/operation/lost-run-mark.js';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const at = '2026-01-01T00:00:00.000Z';
const old: LostRun = {
  planDigest: digest('f'),
  attempt: 2,
  operation: 'apply',
  workflowId: 'stack:demo',
  runId: 'first',
  at,
  message: 'lost',
};
const run = { workflowId: 'stack:demo', runId: 'second' };
const receipt = { done: 1, failed: 0, not_reached: 1, unapproved: 0, entries: [] };

function after(
  operation: Mutation,
  ended: { code?: ErrorCode; nothing?: boolean; knownLoss?: LostRunKey },
  before: LostRun | null = old,
) {
  const { code, nothing = false, knownLoss } = ended;
  return lostRunAfter(
    before ?? undefined,
    {
      request: {
        stackId: 'demo',
        operation,
        planDigest: digest('a'),
        image: { reference: 'i', imageId: 'i', name: 'i', engine: 'opentofu' },
        input: {},
        decisions: [],
        ...(knownLoss === undefined ? {} : { knownLoss }),
      },
      run,
    },
    { stackId: 'demo', planDigest: digest('a'), attempt: 1 },
    {
      outcome: nothing ? 'nothing-ran' : code === undefined ? 'succeeded' : 'failed',
      at,
      ...(code === undefined ? {} : { failure: { code, message: 'because' } }),
    },
    { receipt, open: [{ resource: 'b', operation: 'create' }], untracked: ['a'] },
  );
}

test.each(['OutcomeUnknown', 'StateDamaged'] as const)(
  'a run that ends with %s marks the stack with what is known of it',
  (code) => {
    expect(after('apply', { code }, null)).toEqual({
      planDigest: digest('a'),
      attempt: 1,
      operation: 'apply',
      ...run,
      at,
      message: 'because',
      receipt,
      open: [{ resource: 'b', operation: 'create' }],
      untracked: ['a'],
    });
  },
);

test('a run whose failure is known leaves no mark', () => {
  expect(after('apply', { code: 'ModuleFailed' }, null)).toBeUndefined();
  expect(after('apply', {}, null)).toBeUndefined();
});

test('only an operation that was approved knowing of the loss takes the mark away, even if it failed', () => {
  const knownLoss = { planDigest: old.planDigest, attempt: old.attempt };
  expect(after('apply', { knownLoss })).toBeUndefined();
  expect(after('destroy', { knownLoss, code: 'ModuleFailed' })).toBeUndefined();
  expect(after('apply', {})).toBe(old);
  expect(after('apply', { knownLoss: { ...knownLoss, attempt: 1 } })).toBe(old);
  expect(after('refresh', { knownLoss })).toBe(old);
  expect(after('apply', { knownLoss, nothing: true })).toBe(old);
});

test('a run that is lost while it goes on from a lost one leaves its own mark', () => {
  const knownLoss = { planDigest: old.planDigest, attempt: old.attempt };
  expect(after('apply', { knownLoss, code: 'OutcomeUnknown' })).toMatchObject({ runId: 'second' });
});

test('beside a later plan it names what that would make again', () => {
  const done = (resource: string, action: 'create' | 'delete' | 'import') =>
    ({ resource, action, status: 'done' }) as const;
  const entries = [
    done('a', 'create'),
    done('b', 'import'),
    done('c', 'create'),
    done('d', 'delete'),
    { resource: 'e', action: 'create', status: 'failed' } as const,
  ];
  const lost: LostRun = { ...old, untracked: ['x'], receipt: { ...receipt, entries } };
  const plan = ['a', 'b', 'd', 'e'].map((resource) => ({ resource, action: 'create' as const }));
  expect(besidePlan(lost, plan).untracked).toEqual(['x', 'a', 'b']);
  const rest = [{ resource: 'c', action: 'update' as const }];
  expect(besidePlan(lost, rest)).toEqual(lost);
  expect(besidePlan(old, plan)).toBe(old);
});
