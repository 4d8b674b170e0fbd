import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseJson } from '../../../src/contract/json.js';
import { describeState, pulumiContentDigest } from '../../../src/state/describe.js';
import { prepareRestore } from '../../../src/state/restore.js';

const text = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const tofu = (over: object = {}): Uint8Array =>
  text({
    version: 4,
    terraform_version: '1.12.6',
    serial: 7,
    lineage: 'f3a1',
    outputs: {},
    resources: [
      { mode: 'managed', type: 'x', name: 'a', instances: [{}, {}] },
      { mode: 'data', type: 'x', name: 'b', instances: [{}] },
    ],
    ...over,
  });
const resource = (over: object = {}) => ({
  urn: 'urn:pulumi:s::p::my:T::r',
  type: 'my:T',
  inputs: {
    a: 1,
    secret: {
      '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270',
      ciphertext: 'v1:n:c',
    },
  },
  dependencies: ['x', 'y'],
  propertyDependencies: { a: [] },
  modified: '2026-01-01T00:00:00Z',
  ...over,
});
const pulumi = (over: object = {}, resources: object[] = [resource()]): Uint8Array =>
  text({
    version: 3,
    deployment: {
      manifest: { time: '2026-01-01T00:00:00Z' },
      resources: [
        { urn: 'urn:pulumi:s::p::pulumi:pulumi:Stack::p-s', type: 'pulumi:pulumi:Stack' },
        ...resources,
      ],
      ...over,
    },
  });

describe('the identity of a state', () => {
  test('OpenTofu: lineage and serial; managed instances are counted', () => {
    expect(describeState('opentofu', tofu())).toEqual({
      fingerprint: 'f3a1/7',
      serial: 7,
      lineage: 'f3a1',
      resources: 2,
    });
  });

  test('Pulumi: the digest of the bytes', () => {
    expect(describeState('pulumi', pulumi())).toEqual({
      fingerprint: createHash('sha256').update(pulumi()).digest('hex'),
      lineage: 's::p',
      resources: 1,
    });
    expect(
      describeState(
        'pulumi',
        text({ version: 3, checkpoint: { stack: 's', latest: { resources: [] } } }),
      ).resources,
    ).toBe(0);
  });

  test.each<['opentofu' | 'pulumi', string, Uint8Array]>([
    ['opentofu', 'cut off', tofu().subarray(0, 100)],
    ['opentofu', 'empty', Buffer.alloc(0)],
    ['opentofu', 'of version 5', tofu({ version: 5 })],
    ['opentofu', 'without lineage', tofu({ lineage: undefined })],
    ['opentofu', 'a list', text([])],
    ['opentofu', 'a Pulumi state', pulumi()],
    ['pulumi', 'an OpenTofu state', tofu()],
    ['pulumi', 'not JSON', Buffer.from('secret-value')],
  ])('%s state that is %s is refused without quoting it', (engine, _what, bytes) => {
    expect(() => describeState(engine, bytes)).toThrow(
      expect.objectContaining({
        code: 'StateDamaged',
        message: expect.not.stringContaining('secret-value'),
      }),
    );
  });
});

describe('what a Pulumi state says of the world', () => {
  const digest = pulumiContentDigest(pulumi());

  test('stays the same through what an update without changes rewrites', () => {
    const rewritten = resource({
      inputs: {
        secret: { ...resource().inputs.secret, ciphertext: 'v1:other:other' },
        a: 1,
      },
      dependencies: ['y', 'x'],
      propertyDependencies: {},
      modified: '2026-02-02T00:00:00Z',
      sourcePosition: 'x',
    });
    const other = resource({ urn: 'urn:z' });
    expect(pulumiContentDigest(pulumi({ manifest: { time: 'later' } }, [rewritten]))).toBe(digest);
    expect(pulumiContentDigest(pulumi({}, [other, resource()]))).toBe(
      pulumiContentDigest(pulumi({}, [rewritten, other])),
    );
  });

  test('differs when a resource does', () => {
    expect(pulumiContentDigest(pulumi({}, [resource({ inputs: { a: 2 } })]))).not.toBe(digest);
    expect(pulumiContentDigest(pulumi({}, []))).not.toBe(digest);
  });
});

describe('a state to restore', () => {
  test('gets a serial above the current one, and keeps every number', () => {
    const incoming = Buffer.from(
      '{"version":4,"serial":3,"lineage":"f3a1","resources":[],"outputs":{"n":{"value":12345678901234567890}}}',
    );
    const { bytes, description } = prepareRestore('opentofu', incoming, tofu());
    expect(description).toMatchObject({ serial: 8, fingerprint: 'f3a1/8' });
    expect(Buffer.from(bytes).toString()).toContain('12345678901234567890');
    expect(parseJson(Buffer.from(bytes).toString())).toMatchObject({ serial: 8, lineage: 'f3a1' });
    expect(prepareRestore('opentofu', tofu({ serial: 99 }), tofu()).description.serial).toBe(99);
  });

  test('as a stack’s first state stays as it is', () => {
    expect(prepareRestore('opentofu', tofu(), undefined).bytes).toEqual(tofu());
    expect(prepareRestore('pulumi', pulumi(), undefined).description.resources).toBe(1);
  });

  test('of another stack is refused unless that is wanted', () => {
    expect(() => prepareRestore('opentofu', tofu({ lineage: 'other' }), tofu())).toThrow(
      expect.objectContaining({
        code: 'InvalidInput',
        message: expect.stringContaining('another stack'),
      }),
    );
    const accepted = prepareRestore('opentofu', tofu({ lineage: 'other' }), tofu(), {
      acceptOtherLineage: true,
    });
    expect(accepted.description.lineage).toBe('other');
  });

  test('of another Pulumi stack is refused too', () => {
    const other = pulumi({}, [resource({ urn: 'urn:pulumi:prod::p::my:T::r' })]);
    const foreign = Buffer.from(other.toString().replaceAll('pulumi:s::', 'pulumi:prod::'));
    expect(() => prepareRestore('pulumi', foreign, pulumi())).toThrow(
      expect.objectContaining({ code: 'InvalidInput' }),
    );
    expect(prepareRestore('pulumi', pulumi(), pulumi()).bytes).toEqual(pulumi());
  });

  test('that is no state is refused', () => {
    expect(() => prepareRestore('opentofu', Buffer.from('{}'), tofu())).toThrow(
      expect.objectContaining({ code: 'StateDamaged' }),
    );
  });
});
