import { expect, test } from 'vitest';
import { pendingIn, resourcesIn } from '../../../src/state/resources-in.js';

const bytes = (value: object): Buffer => Buffer.from(JSON.stringify(value));
const tofu = (resources: object[]): Buffer =>
  bytes({ version: 4, serial: 1, lineage: 'l', outputs: {}, resources });

test('OpenTofu: addresses as its events have them, without data and deposed objects', () => {
  const found = resourcesIn(
    'opentofu',
    tofu([
      { mode: 'managed', type: 't', name: 'one', instances: [{}] },
      {
        mode: 'managed',
        type: 't',
        name: 'many',
        instances: [{ index_key: 0 }, { index_key: 'a"b' }],
      },
      {
        module: 'module.m["x"]',
        mode: 'managed',
        type: 't',
        name: 'deep',
        instances: [{ index_key: '${y}' }],
      },
      { mode: 'managed', type: 't', name: 'old', instances: [{ deposed: '1a2b3c4d' }] },
      { mode: 'data', type: 't', name: 'read', instances: [{}] },
    ]),
  );
  expect([...(found ?? [])]).toEqual([
    't.one',
    't.many[0]',
    't.many["a\\"b"]',
    'module.m["x"].t.deep["$${y}"]',
  ]);
});

test('OpenTofu: an encrypted state tells nothing', () => {
  const sealed = { version: 4, serial: 1, lineage: 'l', encrypted_data: 'x' };
  expect(resourcesIn('opentofu', bytes(sealed))).toBeUndefined();
});

test('Pulumi: URNs, and the operations that were under way', () => {
  const urn = 'urn:pulumi:s::p::outside:index:Thing::b';
  const state = bytes({
    version: 3,
    checkpoint: {
      stack: 's',
      latest: {
        resources: [
          { urn: 'urn:pulumi:s::p::outside:index:Thing::a', type: 'outside:index:Thing' },
        ],
        pending_operations: [{ type: 'creating', resource: { urn, type: 'outside:index:Thing' } }],
      },
    },
  });
  expect([...(resourcesIn('pulumi', state) ?? [])]).toEqual([
    'urn:pulumi:s::p::outside:index:Thing::a',
  ]);
  expect(pendingIn('pulumi', state)).toEqual([{ resource: urn, operation: 'creating' }]);
  expect(pendingIn('opentofu', state)).toEqual([]);
});
