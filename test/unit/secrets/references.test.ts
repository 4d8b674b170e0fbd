import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LosslessNumber, parseJson, stringifyJson, type Json } from '../../../src/contract/json.js';
import { CodedError } from '../../../src/errors.js';
import { resolveCredentials } from '../../../src/secrets/credentials.js';
import {
  findReferences,
  resolveReferences,
  type ReferenceResolver,
} from '../../../src/secrets/references.js';
import { directorySource, environmentSource, resolveSecret } from '../../../src/secrets/sources.js';
import { temporaryFolder } from '../store/open-test-store.js';

const values: Record<string, string> = { db: 'hunter2-db', 'tls.key': 'line one\nline two' };
const asked: string[] = [];
const resolver: ReferenceResolver = {
  secret: async (name) => {
    asked.push(name);
    const value = values[name];
    if (value === undefined) throw new CodedError('SecretNotFound', `there is no secret ${name}`);
    return value;
  },
  output: async (stack, name) => ({
    value: { of: `${stack}/${name}`, port: 5432 },
    sensitive: name === 'password',
  }),
};

describe('references', () => {
  const inputs: Record<string, Json> = {
    plain: 'x',
    big: new LosslessNumber('12345678901234567890'),
    password: { $secret: 'db' },
    list: [{ $secret: 'db' }, { deep: { key: { $secret: 'tls.key' } } }],
    host: { $output: { stack: 'prod-db', name: 'host' } },
    other: { $output: { stack: 'prod-db', name: 'password' } },
  };

  test('are found anywhere', () => {
    expect(findReferences(inputs)).toEqual([
      { kind: 'secret', name: 'db', path: ['password'] },
      { kind: 'secret', name: 'db', path: ['list', 0] },
      { kind: 'secret', name: 'tls.key', path: ['list', 1, 'deep', 'key'] },
      { kind: 'output', stack: 'prod-db', name: 'host', path: ['host'] },
      { kind: 'output', stack: 'prod-db', name: 'password', path: ['other'] },
    ]);
  });

  test('are replaced by what they name, each looked up once; the rest stays exact', async () => {
    asked.length = 0;
    const resolved = await resolveReferences(inputs, resolver);
    expect(resolved.inputs).toEqual({
      plain: 'x',
      big: inputs['big'],
      password: 'hunter2-db',
      list: ['hunter2-db', { deep: { key: 'line one\nline two' } }],
      host: { of: 'prod-db/host', port: 5432 },
      other: { of: 'prod-db/password', port: 5432 },
    });
    expect(asked.sort()).toEqual(['db', 'tls.key']);
    expect(resolved.secretPaths).toEqual([
      ['password'],
      ['list', 0],
      ['list', 1, 'deep', 'key'],
      ['other'],
    ]);
    expect(resolved.secretInputs).toEqual(['password', 'list', 'other']);
    expect([...resolved.secretValues].sort()).toEqual([
      '5432',
      'hunter2-db',
      'line one\nline two',
      'prod-db/password',
    ]);
  });

  test('that name nothing fail once, and nothing is left running', async () => {
    await expect(
      resolveReferences({ a: { $secret: 'nope' }, b: { $secret: 'neither' } }, resolver),
    ).rejects.toMatchObject({ code: 'SecretNotFound' });
  });

  test.each([
    ['{"a":{"$secret":5}}', 'input a: "$secret" takes a name'],
    ['{"a":{"$secret":"../etc/passwd"}}', 'input a: "$secret" takes a name'],
    ['{"a":{"$secret":""}}', 'input a'],
    ['{"a":[{"b":{"$secret":"x","or":1}}]}', 'input a.0.b: "$secret" stands alone'],
    ['{"a":{"$output":"x"}}', 'input a: "$output" takes'],
    ['{"a":{"$output":{"stack":"UPPER","name":"x"}}}', 'input a: "$output" takes'],
    ['{"a":{"$output":{"stack":"s","name":"x","y":1}}}', 'input a: "$output" takes'],
  ])('%s is refused with its place', (text, message) => {
    expect(() => findReferences(parseJson(text) as Record<string, Json>)).toThrow(
      expect.objectContaining({ code: 'InvalidInput', message: expect.stringContaining(message) }),
    );
  });

  test('members with odd names survive', async () => {
    const odd = parseJson('{"a":{"__proto__":{"$secret":"db"},"constructor":1}}') as Record<
      string,
      Json
    >;
    const { inputs: resolved } = await resolveReferences(odd, resolver);
    expect(stringifyJson(resolved)).toBe('{"a":{"__proto__":"hunter2-db","constructor":1}}');
  });
});

describe('sources', () => {
  test('pass on what is allowed, and nothing else', async () => {
    const source = environmentSource({ ALLOWED: 'a', HIDDEN: 'h' }, [
      'ALLOWED',
      'toString',
      'ABSENT',
    ]);
    expect(await source.get('ALLOWED')).toBe('a');
    for (const name of ['HIDDEN', 'toString', 'ABSENT'])
      expect(await source.get(name)).toBeUndefined();
  });

  test('read a folder of files, one line break less, through the links that orchestrators make', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, '..data'));
    await writeFile(join(folder, '..data', 'token'), 'tok\nen\n\n');
    await symlink('..data/token', join(folder, 'token'));
    const source = directorySource(folder);
    expect(await source.get('token')).toBe('tok\nen\n');
    for (const name of ['absent', '../x', '.', '..data', '/etc/passwd', 'token/x', '']) {
      expect(await source.get(name)).toBeUndefined();
    }
  });

  test('refuse what is no secret: a folder, binary, something huge', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'dir'));
    await writeFile(join(folder, 'binary'), Buffer.from([0xff, 0xfe, 0x80]));
    await writeFile(join(folder, 'huge'), Buffer.alloc(1024 * 1024 + 1, 'a'));
    for (const [name, why] of [
      ['dir', 'no file'],
      ['binary', 'not UTF-8'],
      ['huge', 'larger than'],
    ] as const) {
      await expect(directorySource(folder).get(name)).rejects.toMatchObject({
        code: 'SecretNotFound',
        message: expect.stringContaining(why),
      });
    }
  });

  test('are asked in order; what is nowhere says where it was looked for', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'A'), 'from file');
    const sources = [environmentSource({ A: 'from env' }, ['A']), directorySource(folder)];
    expect(await resolveSecret(sources, 'A')).toBe('from env');
    await expect(resolveSecret(sources, 'B')).rejects.toMatchObject({
      code: 'SecretNotFound',
      message: expect.stringMatching(
        /no secret B: .*CLDCTL_SECRETS_ENV.* and .*CLDCTL_SECRETS_DIR/,
      ),
    });
    await expect(resolveSecret([], 'B')).rejects.toMatchObject({
      message: expect.stringContaining('no source is configured'),
    });
  });
});

describe('credentials', () => {
  const defaults = [
    'AWS_REGION',
    'AWS_SECRET_ACCESS_KEY',
    'KUBECONFIG',
    'GOOGLE_APPLICATION_CREDENTIALS',
  ];

  test('by default those that are there; files go along by content', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'kube.yaml');
    await writeFile(path, 'apiVersion: v1\n');
    const env = { AWS_REGION: 'eu-central-1', AWS_SECRET_ACCESS_KEY: 'wJalr', KUBECONFIG: path };
    const found = await resolveCredentials([environmentSource(env, defaults)], undefined, defaults);
    expect(found).toEqual({
      environment: { AWS_REGION: 'eu-central-1', AWS_SECRET_ACCESS_KEY: 'wJalr' },
      files: { KUBECONFIG: 'apiVersion: v1\n' },
      secretValues: ['wJalr', 'apiVersion: v1\n'],
    });
  });

  test('by name exactly those, and a missing one is an error', async () => {
    const sources = [
      environmentSource({ AWS_REGION: 'x', TOKEN: 'abcdef' }, ['AWS_REGION', 'TOKEN']),
    ];
    expect((await resolveCredentials(sources, ['TOKEN'], defaults)).environment).toEqual({
      TOKEN: 'abcdef',
    });
    expect((await resolveCredentials(sources, [], defaults)).environment).toEqual({});
    await expect(resolveCredentials(sources, ['AZURE_CLIENT_ID'], defaults)).rejects.toMatchObject({
      code: 'SecretNotFound',
      message: expect.stringContaining('AZURE_CLIENT_ID'),
    });
  });

  test('a file in the secrets folder is the content itself', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'GOOGLE_APPLICATION_CREDENTIALS'), '{"type":"service_account"}');
    const found = await resolveCredentials([directorySource(folder)], undefined, defaults);
    expect(found.files).toEqual({ GOOGLE_APPLICATION_CREDENTIALS: '{"type":"service_account"}' });
  });

  test('a path that leads nowhere is an error, several paths are explained', async () => {
    const withPath = (path: string) =>
      resolveCredentials(
        [environmentSource({ KUBECONFIG: path }, ['KUBECONFIG'])],
        undefined,
        defaults,
      );
    await expect(withPath('/nowhere/config')).rejects.toMatchObject({ code: 'SecretNotFound' });
    await expect(withPath('/a:/b')).rejects.toMatchObject({
      message: expect.stringContaining('merge them'),
    });
  });
});
