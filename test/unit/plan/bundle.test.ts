import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { LosslessNumber, parseJson, type Json } from '../../../src/contract/json.js';
import { approvalBasis } from '../../../src/plan/approval-basis.js';
import { readChange } from '../../../src/plan/change-line.js';
import type { PlanBundle } from '../../../src/plan/bundle.js';
import { approvalCarriesOver } from '../../../src/plan/carry-over.js';
import { maskInputs } from '../../../src/plan/inputs.js';
import { makeBundle, type BundleChanges } from './make-bundle.js';

const carriesOver = (approved: PlanBundle, fresh: PlanBundle) =>
  approvalCarriesOver(approvalBasis(approved), approvalBasis(fresh));
/** Names of the manifest's files in which two bundles differ. */
const differingParts = (a: PlanBundle, b: PlanBundle): string[] =>
  b.manifest
    .filter(
      ({ name, sha256 }) => a.manifest.find((entry) => entry.name === name)?.sha256 !== sha256,
    )
    .map(({ name }) => name);
const same = { previewId: '0'.repeat(32) };
const other = `registry.example/shop@sha256:${'2'.repeat(64)}`;

describe('the plan digest', () => {
  test('is the SHA-256 of the sorted manifest and nothing else', () => {
    const { manifest, digest } = makeBundle(same);
    expect(manifest.map(({ name }) => name)).toEqual([
      ...['changes', 'engine', 'environment', 'findings', 'image', 'inputs', 'operation'],
      ...['plan', 'preview-id', 'state', 'version'],
    ]);
    const text = JSON.stringify(manifest);
    expect(digest).toBe(`sha256:${createHash('sha256').update(text).digest('hex')}`);
    expect(manifest.find(({ name }) => name === 'plan')).toEqual({
      name: 'plan',
      sha256: createHash('sha256').update('plan file').digest('hex'),
      size: 9,
    });
  });

  test('is the same for the same parts, in whatever order they come', () => {
    const changes = makeBundle().changes.map(readChange);
    expect(makeBundle(same).digest).toBe(makeBundle(same).digest);
    expect(makeBundle({ ...same, changes: changes.reverse() }).digest).toBe(
      makeBundle(same).digest,
    );
    const inputs = { key: { $sensitive: 'cd34' }, name: 'shop', size: new LosslessNumber('2.0') };
    expect(makeBundle({ ...same, subject: { inputs } }).digest).toBe(makeBundle(same).digest);
  });

  test('is another one for every preview', () => {
    expect(makeBundle().digest).not.toBe(makeBundle().digest);
    expect(makeBundle().changesDigest).toBe(makeBundle().changesDigest);
  });

  test.each<[string, string, BundleChanges]>([
    ['plan', 'the plan file', { plan: 'plan file!' }],
    ['image', 'the image', { subject: { image: other } }],
    ['engine', 'the engine version', { subject: { toolVersion: '1.12.7' } }],
    ['environment', 'the environment', { subject: { environment: {} } }],
    ['inputs', 'an input', { subject: { inputs: { size: 3 } } }],
    ['inputs', 'a secret input', { subject: { inputs: { key: { $sensitive: 'ffff' } } } }],
    [
      'inputs',
      'an input with an odd name',
      {
        subject: {
          inputs: parseJson(
            '{"size":2,"name":"shop","key":{"$sensitive":"cd34"},"__proto__":1}',
          ) as Record<string, Json>,
        },
      },
    ],
    ['operation', 'the operation', { subject: { operation: 'destroy' } }],
    ['operation', 'an option', { subject: { options: { targets: ['a.one'] } } }],
    ['operation', 'an import', { subject: { imports: [{ address: 'a.x', id: '1' }] } }],
    ['operation', 'the stack', { subject: { stackId: 'shop2' } }],
    ['state', 'the state', { subject: { stateFingerprint: 'lineage/5' } }],
    ['state', 'where the state is', { subject: { stateLocation: 'elsewhere' } }],
    [
      'changes',
      'a change',
      {
        changes: [{ resource: 'a.one', action: 'delete' }],
        findings: { summary: makeBundle().findings.summary },
      },
    ],
    [
      'findings',
      'a check',
      { findings: { checks: [{ address: 'c', status: 'fail', messages: [] }] } },
    ],
  ])('covers the %s: %s', (part, _what, change) => {
    const changed = makeBundle({ ...same, ...change });
    expect(changed.digest).not.toBe(makeBundle(same).digest);
    expect(differingParts(makeBundle(same), changed)).toEqual([part]);
  });
});

describe('an approval carries over', () => {
  test('when only the state moved and the changes are the same', () => {
    const fresh = makeBundle({
      subject: { stateFingerprint: 'lineage/5' },
      plan: 'another plan file',
    });
    expect(carriesOver(makeBundle(), fresh)).toEqual({
      carries: true,
      why: 'only the state moved, and the changes are the same',
    });
  });

  test.each<[string, string, BundleChanges]>([
    ['the image differs', 'request differ', { subject: { image: other } }],
    ['the engine differs', 'request differ', { subject: { toolVersion: '1.13.0' } }],
    ['an input differs', 'request differ', { subject: { inputs: { size: 3 } } }],
    [
      'a secret was rotated',
      'request differ',
      { subject: { inputs: { size: 2, name: 'shop', key: { $sensitive: 'ee' } } } },
    ],
    ['the environment differs', 'request differ', { subject: { environment: { A: 'b' } } }],
    ['an option differs', 'request differ', { subject: { options: { replace: ['a.one'] } } }],
    ['the operation differs', 'request differ', { subject: { operation: 'destroy' } }],
    ['the state is elsewhere', 'request differ', { subject: { stateLocation: 'x' } }],
    ['a value is unknown', 'known only after', { findings: { hasUnknown: true } }],
    [
      'the changes differ',
      'the changes differ',
      { changes: [{ resource: 'a.one', action: 'update' }] },
    ],
    [
      'a sensitive value differs',
      'the changes differ',
      {
        changes: [
          readChange(makeBundle().changes[0]!),
          { ...readChange(makeBundle().changes[1]!), after: { password: { $sensitive: 'zz' } } },
        ],
      },
    ],
    [
      'an output differs',
      'the changes differ',
      { outputChanges: [{ name: 'o', action: 'create' }] },
    ],
  ])('not when %s', (_what, why, change) => {
    const result = carriesOver(makeBundle(), makeBundle(change));
    expect(result).toEqual({ carries: false, why: expect.stringContaining(why) });
  });

  test('not when the approved plan had an unknown value', () => {
    const unknown = makeBundle({ findings: { hasUnknown: true } });
    expect(carriesOver(unknown, makeBundle()).carries).toBe(false);
  });

  test('to the very same plan always', () => {
    const bundle = makeBundle({ findings: { hasUnknown: true } });
    expect(carriesOver(bundle, bundle).carries).toBe(true);
  });
});

describe('masked inputs', () => {
  const key = Buffer.alloc(32, 1);
  const inputs = {
    name: 'shop',
    big: new LosslessNumber('12345678901234567890'),
    db: { password: 'p1', port: 5432 },
    list: ['p1', 'x'],
  };
  const masked = maskInputs(
    inputs,
    {
      paths: [
        ['db', 'password'],
        ['list', 0],
      ],
      inputs: [],
    },
    key,
  );

  test('hold no secret, and everything else as it was', () => {
    expect(masked).toEqual({
      name: 'shop',
      big: inputs.big,
      db: { password: { $sensitive: expect.stringMatching(/^[0-9a-f]{64}$/) }, port: 5432 },
      list: [{ $sensitive: expect.stringMatching(/^[0-9a-f]{64}$/) }, 'x'],
    });
    expect(JSON.stringify(masked)).not.toContain('p1');
  });

  test('show that a secret changed, not that two are equal, and nothing without the key', () => {
    const at = (found: unknown): unknown => (found as typeof inputs).db.password;
    const again = maskInputs(inputs, { paths: [['db', 'password']], inputs: [] }, key);
    const rotated = maskInputs(
      { ...inputs, db: { ...inputs.db, password: 'p2' } },
      { paths: [['db', 'password']], inputs: [] },
      key,
    );
    const foreign = maskInputs(
      inputs,
      { paths: [['db', 'password']], inputs: [] },
      Buffer.alloc(32, 2),
    );
    expect(at(again)).toEqual(at(masked));
    expect(at(rotated)).not.toEqual(at(masked));
    expect(at(foreign)).not.toEqual(at(masked));
    expect((masked['list'] as unknown[])[0]).not.toEqual(at(masked));
  });

  test('a whole input can be secret', () => {
    expect(maskInputs(inputs, { paths: [], inputs: ['db'] }, key)['db']).toEqual({
      $sensitive: expect.any(String),
    });
  });
});
