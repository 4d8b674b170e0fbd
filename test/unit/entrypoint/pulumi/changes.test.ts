import { expect, it } from 'vitest';
import { createChangeCollector } from '../../../../entrypoint/tools/pulumi/change-collector.js';
import {
  driftChanges,
  outputChanges,
  planChanges,
} from '../../../../entrypoint/tools/pulumi/changes.js';
import type {
  ResourceState,
  ResourceStep,
  StepOperation,
} from '../../../../entrypoint/tools/pulumi/engine-event.js';
import { makeReceipt } from '../../../../entrypoint/tools/pulumi/receipt.js';

const SECRET = {
  '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270',
  ciphertext: '[secret]',
};
const UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
const NONE = { before: () => undefined, after: () => undefined };
const MASKING = { key: undefined, open: () => undefined, isSecret: () => false };

const urn = (name: string, type = 'outside:index:Thing'): string =>
  `urn:pulumi:s::p::${type}::${name}`;
const state = (outputs: Record<string, never> | object, id = 'id-1'): ResourceState => ({
  id,
  inputs: {},
  outputs: outputs as NonNullable<ResourceState['outputs']>,
});
function step(
  op: StepOperation,
  name: string,
  before: ResourceState | null,
  after: ResourceState | null,
  more: Partial<ResourceStep> = {},
): ResourceStep {
  return { op, urn: urn(name), type: 'outside:index:Thing', old: before, new: after, ...more };
}

it('gives one change per resource, without the stack and providers of the engine', () => {
  const collector = createChangeCollector();
  const all: ResourceStep[] = [
    {
      ...step('create', 'x', null, state({})),
      urn: urn('p-s', 'pulumi:pulumi:Stack'),
      type: 'pulumi:pulumi:Stack',
    },
    {
      ...step('create', 'x', null, state({})),
      urn: urn('default_1_2_3', 'pulumi:providers:outside'),
      type: 'pulumi:providers:outside',
    },
    {
      ...step('create', 'x', null, state({})),
      urn: urn('mine', 'pulumi:providers:outside'),
      type: 'pulumi:providers:outside',
    },
    step('create', 'a', null, state({ value: UNKNOWN, secret: SECRET, __provider: 'code' })),
    step('same', 'b', state({}), state({})),
    step('update', 'c', state({ value: 1 }), state({ value: 2 })),
    step('delete', 'd', state({ value: 1 }), null),
    step('delete', 'kept', { ...state({}), retainOnDelete: true }, null),
  ];
  for (const one of all) collector.started(one);
  const changes = planChanges(collector.resources(), NONE, MASKING, []);
  expect(changes.map(({ action, resource }) => `${action} ${resource.split('::').at(-1)}`)).toEqual(
    ['create mine', 'create a', 'update c', 'delete d', 'forget kept'],
  );
  expect(changes[1]).toMatchObject({
    before: null,
    after: { value: { $unknown: true }, secret: { $sensitive: true } },
  });
  expect(JSON.stringify(changes)).not.toContain('code');
});

it.each([
  ['create-before-delete', ['create-replacement', 'replace', 'delete-replaced']],
  ['delete-before-create', ['delete-replaced', 'replace', 'create-replacement']],
] as const)('folds a replacement into one change: %s', (order, operations) => {
  const collector = createChangeCollector();
  for (const op of operations) {
    const old = { ...state({ name: 'x' }), ...(op === 'delete-replaced' ? { delete: true } : {}) };
    collector.started(
      step(op, 'a', old, op === 'delete-replaced' ? null : state({ name: 'y' }, ''), {
        keys: ['name'],
      }),
    );
  }
  expect(planChanges(collector.resources(), NONE, MASKING, [])).toMatchObject([
    {
      action: 'replace',
      reason: 'cannot-update',
      replace_reasons: ['name'],
      replace_order: order,
      after: { name: 'y' },
    },
  ]);
  const [requested] = planChanges(collector.resources(), NONE, MASKING, [urn('a')]);
  expect(requested).toMatchObject({ reason: 'requested' });
  expect(requested).not.toHaveProperty('replace_reasons');
});

it('tells an object that an earlier replacement left behind from the one in use', () => {
  const collector = createChangeCollector();
  collector.started(step('delete-replaced', 'a', { ...state({}, 'old'), delete: true }, null));
  collector.started(step('update', 'a', state({}, 'now'), state({}, 'now')));
  expect(planChanges(collector.resources(), NONE, MASKING, [])).toMatchObject([
    { action: 'delete', deposed: 'old' },
    { action: 'update' },
  ]);
});

it('reads drift from the end of a refresh, and goes on with the changes of the same resource', () => {
  const collector = createChangeCollector();
  const [as, is] = [state({ value: 'as' }), state({ value: 'is' })];
  collector.started(step('refresh', 'a', as, as));
  collector.started(step('refresh', 'b', as, as));
  collector.started(step('refresh', 'c', as, as));
  collector.finished(step('refresh', 'a', as, is), false);
  collector.finished(step('refresh', 'b', as, null), false);
  collector.finished(step('refresh', 'c', as, as), false);
  collector.started(step('update', 'a', is, as));
  expect(driftChanges(collector.drift(), NONE, MASKING)).toMatchObject([
    { action: 'update', before: { value: 'as' }, after: { value: 'is' } },
    { action: 'delete', before: { value: 'as' }, after: null },
  ]);
  expect(planChanges(collector.resources(), NONE, MASKING, [])).toMatchObject([
    { resource: urn('a'), action: 'update' },
  ]);
});

it('compares secrets by the encrypted forms of state and plan', () => {
  const collector = createChangeCollector();
  collector.started(step('update', 'a', state({ pin: SECRET }), state({ pin: SECRET })));
  const stored = (text: string): { pin: object } => ({ pin: { ...SECRET, ciphertext: text } });
  const masking = {
    key: Buffer.alloc(32, 1),
    open: (ciphertext: string) => JSON.stringify(ciphertext.split(':')[1]),
    isSecret: () => false,
  };
  const change = (before: string, after: string): unknown[] =>
    planChanges(
      collector.resources(),
      { before: () => stored(before) as never, after: () => stored(after) as never },
      masking,
      [],
    ).flatMap((one) => [one.before, one.after]);
  const [same, alike] = change('1:x', '2:x');
  expect(same).toEqual(alike);
  const [old, next] = change('1:x', '2:y');
  expect(old).not.toEqual(next);
  expect(JSON.stringify([old, next])).toMatch(/hmac-sha256:[0-9a-f]{64}/);
});

it('masks text that holds a known secret, marked or not', () => {
  const collector = createChangeCollector();
  collector.started(step('create', 'a', null, state({ url: 'postgres://u:hunter2@h/d' })));
  const masking = { ...MASKING, isSecret: (text: string) => text.includes('hunter2') };
  expect(planChanges(collector.resources(), NONE, masking, [])[0]?.after).toEqual({
    url: { $sensitive: true },
  });
});

it('tells what becomes of outputs', () => {
  expect(outputChanges({ a: 1, b: 2, c: 3 }, { b: 2, c: UNKNOWN, d: SECRET }, MASKING)).toEqual([
    { name: 'a', action: 'delete', before: 1, after: null },
    { name: 'c', action: 'update', before: 3, after: { $unknown: true } },
    { name: 'd', action: 'create', before: null, after: { $sensitive: true } },
  ]);
});

it('compares what was done with what was approved', () => {
  const collector = createChangeCollector();
  const approved = ['a', 'b', 'c', 'd', 'e'].map((name) => ({
    resource: urn(name),
    action: name === 'e' ? ('replace' as const) : ('update' as const),
  }));
  for (const name of ['a', 'b', 'e', 'x']) {
    collector.started(step('update', name, state({}), state({})));
    collector.finished(step('update', name, state({}), state({})), name === 'b');
  }
  collector.started(step('update', 'c', state({}), state({})));
  const receipt = makeReceipt(approved, collector.resources(), false);
  expect(
    receipt.entries
      .map(({ status, resource }) => `${status} ${resource.split('::').at(-1)}`)
      .sort(),
  ).toEqual([
    'done a',
    'failed b',
    'failed c',
    'not-reached d',
    'not-reached e',
    'unapproved e',
    'unapproved x',
  ]);
});
