import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  attributePath,
  planChanges,
  planHasUnknown,
  planOutputChanges,
} from '../../../entrypoint/tools/opentofu/changes.js';
import { planChecks } from '../../../entrypoint/tools/opentofu/checks.js';
import { planDrift, sameMeaning } from '../../../entrypoint/tools/opentofu/drift.js';
import { createMasker } from '../../../entrypoint/tools/opentofu/mask.js';
import type { PlanChangeJson, PlanJson } from '../../../entrypoint/tools/opentofu/plan-json.js';
import { parseJson, stringifyJson, type Json } from '../../../src/contract/json.js';

const plain = createMasker();
const plan = (
  change: Partial<PlanChangeJson> & { actions: string[] },
  more: object = {},
): PlanJson => ({
  resource_changes: [{ address: 'a.b', type: 'a', ...more, change }],
});
const actionOf = (actions: string[], more: object = {}, change: object = {}): string | undefined =>
  planChanges(plan({ actions, ...change }, more), plain)[0]?.action;

describe('the action of a change', () => {
  test.each([
    [['create'], {}, {}, 'create'],
    [['read'], {}, {}, 'read'],
    [['update'], {}, {}, 'update'],
    [['delete'], {}, {}, 'delete'],
    [['forget'], {}, {}, 'forget'],
    [['delete', 'create'], {}, {}, 'replace'],
    [['create', 'delete'], {}, {}, 'replace'],
    [['no-op'], {}, {}, undefined],
    [['no-op'], { previous_address: 'a.old' }, {}, 'move'],
    [['no-op'], { previous_address: 'a.b' }, {}, undefined],
    [['no-op'], {}, { importing: { id: 'x' } }, 'import'],
    [['update'], { previous_address: 'a.old' }, {}, 'update'],
    [['update'], {}, { importing: { id: 'x' } }, 'update'],
    [['no-op'], { previous_address: 'a.old' }, { importing: { id: 'x' } }, 'import'],
    [['something', 'new'], {}, {}, 'update'],
  ])('%j %j %j is %s', (actions, more, change, expected) => {
    expect(actionOf(actions, more, change)).toBe(expected);
  });

  test('order, reason and attributes of a replacement', () => {
    const [change] = planChanges(
      plan(
        {
          actions: ['create', 'delete'],
          replace_paths: [['content'], ['ports', 0, 'internal'], ['tags', 'a b']],
        },
        { action_reason: 'replace_because_cannot_update' },
      ),
      plain,
    );
    expect(change).toMatchObject({
      replace_order: 'create-before-delete',
      reason: 'cannot-update',
      replace_reasons: ['content', 'ports[0].internal', 'tags["a b"]'],
    });
  });

  test.each([
    ['replace_because_tainted', 'tainted'],
    ['replace_by_request', 'requested'],
    ['replace_by_triggers', 'replace-triggered-by'],
    ['delete_because_no_resource_config', 'delete-because-no-resource-config'],
    ['read_because_dependency_pending', 'read-because-dependency-pending'],
  ])('reason %s is told as %s', (given, told) => {
    expect(
      planChanges(plan({ actions: ['update'] }, { action_reason: given }), plain)[0]?.reason,
    ).toBe(told);
  });

  test('a deposed object is a change of its own', () => {
    const changes = planChanges(
      {
        resource_changes: [
          { address: 'a.b', change: { actions: ['no-op'] } },
          {
            address: 'a.b',
            deposed: '9c06165c',
            change: { actions: ['delete'], before: { x: 1 }, after: null },
          },
        ],
      },
      plain,
    );
    expect(changes).toEqual([
      { resource: 'a.b', action: 'delete', deposed: '9c06165c', before: { x: 1 }, after: null },
    ]);
  });

  test('a name that starts with a bracket has no dot before it', () => {
    expect(attributePath(['a', 'b', 1, 'c-d', 'e.f'])).toBe('a.b[1].c-d["e.f"]');
  });
});

describe('masks', () => {
  test('sensitive and unknown at any depth, lists filled with false', () => {
    const masked = plain.apply(
      { list: ['a', 'secret', { deep: ['x', 's3cret'] }], whole: { k: 'v' }, plain: 1 },
      { list: [false, true, { deep: [false, true] }], whole: true },
      { list: [false, false, { deep: [true, false] }], id: true, unused: [false] },
    );
    expect(masked).toEqual({
      list: ['a', { $sensitive: true }, { deep: [{ $unknown: true }, { $sensitive: true }] }],
      whole: { $sensitive: true },
      plain: 1,
      id: { $unknown: true },
    });
  });

  test('an HMAC stands for a value when there is a key: equal for equal values, whatever the order of keys', () => {
    const masker = createMasker(Buffer.alloc(32, 1));
    const mark = (value: Json): Json => masker.apply(value, true, undefined);
    expect(mark({ a: 1, b: [2] })).toEqual(mark({ b: [2], a: 1 }));
    expect(mark('x')).not.toEqual(mark('y'));
    expect(createMasker(Buffer.alloc(32, 2)).apply('x', true, undefined)).not.toEqual(mark('x'));
    expect(stringifyJson(mark('hunter2'))).not.toContain('hunter2');
  });

  test('a known secret is hidden where the plan does not mark it', () => {
    const masker = createMasker(undefined, (text) => text.includes('hunter2'));
    expect(masker.apply({ a: 'x hunter2 y', b: ['ok'] }, undefined, undefined)).toEqual({
      a: { $sensitive: true },
      b: ['ok'],
    });
  });

  test('keys named __proto__ and exact numbers pass', () => {
    const value = parseJson(
      '{"__proto__": {"n": 123456789012345678901234567890}, "constructor": 0.1}',
    );
    expect(stringifyJson(plain.apply(value, { a: true }, false))).toBe(stringifyJson(value));
  });

  const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
    ),
  })).value;

  test('property: without masks nothing changes; wholly masked nothing is left', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(stringifyJson(plain.apply(value, false, false))).toBe(stringifyJson(value));
        expect(plain.apply(value, true, false)).toEqual({ $sensitive: true });
        expect(plain.apply(value, false, true)).toEqual({ $unknown: true });
      }),
    );
  });

  test('property: a leaf that is marked anywhere is not in the result', () => {
    const secret = 'the-secret-leaf';
    fc.assert(
      fc.property(
        json,
        fc.array(fc.oneof(fc.nat(3), fc.string({ minLength: 1, maxLength: 3 })), { maxLength: 5 }),
        (noise, path) => {
          let value: Json = secret;
          let mask: Json = true;
          for (const step of path) {
            const index = typeof step === 'number' ? step : undefined;
            value =
              index === undefined
                ? { [step]: value, other: noise }
                : [...Array<Json>(index).fill(noise), value];
            mask =
              index === undefined ? { [step]: mask } : [...Array<Json>(index).fill(false), mask];
          }
          expect(stringifyJson(plain.apply(value, mask, undefined))).not.toContain(secret);
        },
      ),
    );
  });
});

describe('outputs, unknowns, checks', () => {
  test('output changes, no-ops left out, nothing masked where there is nothing', () => {
    const changes = planOutputChanges(
      {
        output_changes: {
          same: { actions: ['no-op'], before: 1, after: 1 },
          made: { actions: ['create'], before: null, after_unknown: true },
          hidden: {
            actions: ['create'],
            before: null,
            after: 's',
            before_sensitive: true,
            after_sensitive: true,
          },
          gone: {
            actions: ['delete'],
            before: 's',
            after: null,
            before_sensitive: true,
            after_sensitive: true,
          },
        },
      },
      plain,
    );
    expect(changes).toEqual([
      { name: 'made', action: 'create', before: null, after: { $unknown: true } },
      { name: 'hidden', action: 'create', before: null, after: { $sensitive: true } },
      { name: 'gone', action: 'delete', before: { $sensitive: true }, after: null },
    ]);
  });

  test('unknown values of changes count, also inside sensitive ones; masks of nothing do not', () => {
    expect(
      planHasUnknown(plan({ actions: ['create'], after_unknown: { a: [false, { b: true }] } })),
    ).toBe(true);
    expect(planHasUnknown(plan({ actions: ['create'], after_unknown: { a: [false] } }))).toBe(
      false,
    );
    expect(
      planHasUnknown({ output_changes: { o: { actions: ['create'], after_unknown: true } } }),
    ).toBe(true);
  });

  test('checks that failed, with their messages', () => {
    expect(
      planChecks({
        checks: [
          { address: { to_display: 'check.ok' }, status: 'pass' },
          { address: { to_display: 'check.later' }, status: 'unknown' },
          {
            address: { to_display: 'check.bad' },
            status: 'fail',
            instances: [
              {
                address: { to_display: 'check.bad' },
                status: 'fail',
                problems: [{ message: 'no' }],
              },
            ],
          },
        ],
      }),
    ).toEqual([{ address: 'check.bad', status: 'fail', messages: ['no'] }]);
  });
});

describe('drift', () => {
  test.each([
    [null, '', true],
    [null, [], true],
    [{}, [], true],
    [null, 0, true],
    [null, false, true],
    [0, '', false],
    [{ a: 1, b: null }, { a: 1 }, true],
    [{ a: { b: [] } }, { a: { b: null } }, true],
    [['a'], ['a', 'b'], false],
    ['1', 1, false],
  ])('%j and %j: %s', (a, b, same) => {
    expect(sameMeaning(a as Json, b as Json)).toBe(same);
    expect(sameMeaning(b as Json, a as Json)).toBe(same);
  });

  test('noise is left out, a change and a loss are told', () => {
    const drift = planDrift(
      {
        resource_drift: [
          {
            address: 'noise',
            change: { actions: ['update'], before: { a: null }, after: { a: [] } },
          },
          {
            address: 'real',
            change: { actions: ['update'], before: { a: 'x' }, after: { a: 'y' } },
          },
          { address: 'gone', change: { actions: ['delete'], before: { a: 'x' }, after: null } },
        ],
      },
      plain,
    );
    expect(drift.map(({ resource, action }) => [resource, action])).toEqual([
      ['real', 'update'],
      ['gone', 'delete'],
    ]);
  });
});
