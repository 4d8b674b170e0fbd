/** Whatever a plan holds and masks: nothing masked is shown, nothing else is touched, and every change is counted once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planChanges } from '../../../entrypoint/tools/opentofu/changes.js';
import { createMasker } from '../../../entrypoint/tools/opentofu/mask.js';
import type { ResourceChangeJson } from '../../../entrypoint/tools/opentofu/plan-json.js';
import { summarize, type Json } from '../../../src/contract/index.js';
import { expectedValue, valueDifferences } from '../../table/expected-value.js';

/** A value with the masks of its parts, in the form of `tofu show -json`. */
interface Masked {
  /** Absent when the whole value is unknown. */
  readonly value?: Json;
  readonly sensitive: Json;
  readonly unknown: Json;
}

let secrets = 0;
const secretText = fc.constant(null).map(() => `secret-${(secrets += 1)}-text`);
const name = fc.oneof(
  fc.string({ minLength: 1, maxLength: 6 }),
  fc.constantFrom('__proto__', 'constructor', 'a b', '0', '$sensitive'),
);

const { masked } = fc.letrec<{ masked: Masked; list: Masked; object: Masked; leaf: Masked }>(
  (tie) => ({
    leaf: fc.oneof(
      fc
        .oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null))
        .map((value) => ({ value, sensitive: false, unknown: false })),
      secretText.map((value) => ({ value, sensitive: true, unknown: false })),
      fc.boolean().map((sensitive) => ({ sensitive, unknown: true })),
    ),
    list: fc.array(tie('masked'), { maxLength: 4 }).map((items) => ({
      // An unknown element has a null in its place.
      value: items.map(({ value }) => value ?? null),
      sensitive: items.map(({ sensitive }) => sensitive),
      unknown: items.map(({ unknown }) => unknown),
    })),
    object: fc
      .uniqueArray(fc.tuple(name, tie('masked')), { selector: ([key]) => key, maxLength: 4 })
      .map((members) => ({
        // An unknown member is left out.
        value: Object.fromEntries(
          members.flatMap(([key, { value }]) => (value === undefined ? [] : [[key, value]])),
        ),
        sensitive: Object.fromEntries(members.map(([key, { sensitive }]) => [key, sensitive])),
        unknown: Object.fromEntries(members.map(([key, { unknown }]) => [key, unknown])),
      })),
    masked: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      tie('leaf'),
      tie('list'),
      tie('object'),
    ),
  }),
);

test('no secret is shown, and everything else is as it was', () => {
  fc.assert(
    fc.property(masked, ({ value, sensitive, unknown }) => {
      const shown = createMasker().apply(value, sensitive, unknown);
      expect(JSON.stringify(shown)).not.toMatch(/secret-\d+-text/);
      expect(valueDifferences('', expectedValue(value, sensitive, unknown), shown)).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});

test('under a key equal secrets have equal marks, and the mark does not hold the secret', () => {
  fc.assert(
    fc.property(
      masked,
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      ({ value, sensitive, unknown }, key) => {
        const [first, second] = [createMasker(key), createMasker(key)].map((masker) =>
          JSON.stringify(masker.apply(value, sensitive, unknown)),
        );
        expect(first).toBe(second);
        expect(first).not.toMatch(/secret-\d+-text/);
      },
    ),
  );
});

const actions = fc.constantFrom<readonly string[]>(
  ['no-op'],
  ['create'],
  ['read'],
  ['update'],
  ['delete'],
  ['forget'],
  ['delete', 'create'],
  ['create', 'delete'],
);
const resource = fc
  .record({
    actions,
    moved: fc.boolean(),
    importing: fc.boolean(),
    before: masked,
    after: masked,
  })
  .map(
    ({
      actions: what,
      moved,
      importing,
      before,
      after,
    }): Omit<ResourceChangeJson, 'address'> & { moved: boolean } => ({
      moved,
      change: {
        actions: what,
        before: before.value ?? null,
        before_sensitive: before.sensitive,
        ...(after.value === undefined ? {} : { after: after.value }),
        after_sensitive: after.sensitive,
        after_unknown: after.unknown,
        ...(importing ? { importing: { id: 'x' } } : {}),
      },
    }),
  );

test("every change is counted once, and the tool's own counts follow", () => {
  fc.assert(
    fc.property(fc.array(resource, { maxLength: 20 }), (resources) => {
      const plan = {
        resource_changes: resources.map(({ moved, ...rest }, index) => ({
          ...rest,
          address: `a.r${index}`,
          ...(moved ? { previous_address: `a.old${index}` } : {}),
        })),
      };
      const changes = planChanges(plan, createMasker());
      const summary = summarize(changes, 0);
      const count = (...wanted: string[]): number =>
        resources.filter(({ change }) => wanted.includes(change.actions.join())).length;
      const replaces = count('delete,create', 'create,delete');
      expect(summary.create + summary.replace).toBe(count('create') + replaces);
      expect(summary.delete + summary.replace).toBe(count('delete') + replaces);
      expect(summary.update).toBe(count('update'));
      expect(summary.read).toBe(count('read'));
      expect(summary.forget).toBe(count('forget'));
      const quiet = resources.filter(({ change }) => change.actions.join() === 'no-op');
      expect(summary.import).toBe(
        quiet.filter(({ change }) => change.importing !== undefined).length,
      );
      expect(summary.move).toBe(
        quiet.filter(({ change, moved }) => change.importing === undefined && moved).length,
      );
      expect(new Set(changes.map(({ resource: address }) => address)).size).toBe(changes.length);
      expect(JSON.stringify(changes)).not.toMatch(/secret-\d+-text/);
    }),
  );
});
