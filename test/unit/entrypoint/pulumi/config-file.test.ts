import { beforeAll, describe, expect, it } from 'vitest';
import { parsePulumiProject, type PulumiProject } from '../../../../src/contract/pulumi-project.js';
import { LosslessNumber, parseJson, type Json } from '../../../../src/contract/json.js';
import { CONFIG_LIMIT, renderConfigFile } from '../../../../entrypoint/tools/pulumi/config-file.js';
import {
  openEncryption,
  type PassphraseEncryption,
} from '../../../../entrypoint/tools/pulumi/passphrase-encryption.js';

const SALT = 'v1:p5uF0xxdJWI=:v1:pow7exbglbPbPkzV:wrv/i93AYBt/0Uph1J/Ln5ozCez2UQ==';
let encryption: PassphraseEncryption;
beforeAll(async () => {
  encryption = await openEncryption('pw', SALT);
});

function project(config = '', runtime = 'nodejs'): PulumiProject {
  return parsePulumiProject(`name: p\nruntime: ${runtime}\nconfig: {${config}}\n`, 'Pulumi.yaml');
}

async function render(
  inputs: Record<string, Json>,
  options: { project?: PulumiProject; secret?: string[]; salt?: string | undefined } = {},
): Promise<{ config: Record<string, Json>; salt: Json | undefined; opened: number }> {
  let opened = 0;
  const text = await renderConfigFile({
    project: options.project ?? project(),
    inputs,
    secretInputs: options.secret ?? [],
    salt: 'salt' in options ? options.salt : SALT,
    encryption: () => {
      opened += 1;
      return Promise.resolve(encryption);
    },
  });
  const file = parseJson(text) as { config: Record<string, Json>; encryptionsalt?: Json };
  return { config: file.config, salt: file.encryptionsalt, opened };
}

describe('values', () => {
  it.each<[string, Json, Json]>([
    ['text that looks like a number', '007', '007'],
    ['a leading dash', '--help', '--help'],
    ['unicode and newlines', 'ä\n"€"\t', 'ä\n"€"\t'],
    ['an empty text', '', ''],
    ['a number, as the text that programs see', 5432, '5432'],
    ['a fraction', 12345678.9, '12345678.9'],
    ['a number that no double holds', new LosslessNumber('9007199254740993'), '9007199254740993'],
    ['a boolean', false, 'false'],
    ['an object', { a: ['1', 2, null, { b: true }] }, { a: ['1', 2, null, { b: true }] }],
    ['an empty list', [], []],
  ])('%s', async (_name, value, written) => {
    expect((await render({ key: value })).config).toEqual({ 'p:key': written });
  });

  it('takes null for "not given"', async () => {
    expect((await render({ key: null })).config).toEqual({});
  });

  it('gives a bare key the name of the project and keeps a namespace', async () => {
    const { config } = await render({ region: 'x', 'aws:region': 'eu-west-1' });
    expect(config).toEqual({ 'p:region': 'x', 'aws:region': 'eu-west-1' });
  });

  it('does not let an object be taken for ciphertext', async () => {
    const { config } = await render({ key: { secure: 'plain' } });
    const outer = config['p:key'] as { secure: { secure: string } };
    expect(encryption.decrypt(outer.secure.secure)).toBe('plain');
  });

  it('needs no key when there is nothing to encrypt', async () => {
    expect(await render({ key: 'x' })).toMatchObject({ opened: 0, salt: SALT });
    expect((await render({ key: 'x' }, { salt: undefined })).salt).toBeUndefined();
  });
});

describe('secrets', () => {
  it('are encrypted when the request says so, with or without namespace', async () => {
    const { config } = await render({ a: 'one', 'aws:b': 'two' }, { secret: ['p:a', 'aws:b'] });
    const [a, b] = [config['p:a'], config['aws:b']] as { secure: string }[];
    expect(encryption.decrypt(a?.secure ?? '')).toBe('one');
    expect(encryption.decrypt(b?.secure ?? '')).toBe('two');
  });

  it('are encrypted when the project says so, defaults included', async () => {
    const declared = project('tok: {type: string, secret: true, default: none}');
    const { config } = await render({}, { project: declared });
    expect(encryption.decrypt((config['p:tok'] as { secure: string }).secure)).toBe('none');
  });

  it('keep the types inside an object: its texts are encrypted one by one', async () => {
    const { config } = await render(
      { db: { user: 'u', port: 5432, tags: ['t', null] } },
      { secret: ['db'] },
    );
    const db = config['p:db'] as {
      user: { secure: string };
      port: number;
      tags: [{ secure: string }, null];
    };
    expect(db.port).toBe(5432);
    expect(encryption.decrypt(db.user.secure)).toBe('u');
    expect(encryption.decrypt(db.tags[0].secure)).toBe('t');
    expect(db.tags[1]).toBeNull();
  });

  it('without any text inside go as JSON text', async () => {
    const { config } = await render({ pins: [1, 2] }, { secret: ['pins'] });
    expect(encryption.decrypt((config['p:pins'] as { secure: string }).secure)).toBe('[1,2]');
  });
});

describe('refusals name everything before anything starts', () => {
  it('missing and mistyped inputs in one message', async () => {
    const declared = project('size: {type: integer}, name: {type: string}, on: {type: boolean}');
    await expect(render({ size: 'big', on: 'yes' }, { project: declared })).rejects.toMatchObject({
      failure: {
        code: 'InvalidInput',
        detail: {
          issues: [
            'input "size" must be of type integer',
            'input "on" must be of type boolean',
            'input "name" is required',
          ],
        },
      },
    });
  });

  it.each<[string, Record<string, Json>, RegExp]>([
    ['one key given twice', { a: 1, 'p:a': 2 }, /"a" and "p:a" are the same/],
    ['a name with two colons', { 'a:b:c': 1 }, /not a configuration key/],
    ['an empty name', { '': 1 }, /not a configuration key/],
    [
      'a nested number that would be rounded',
      { o: { list: [new LosslessNumber('12345678901234567890')] } },
      /"o\.list\[0\]" would be rounded.*as a string/,
    ],
  ])('%s', async (_name, inputs, message) => {
    await expect(render(inputs)).rejects.toThrow(message);
  });

  it('a yaml integer that would be rounded', async () => {
    const declared = project('n: {type: integer}', 'yaml');
    await expect(
      render({ n: new LosslessNumber('9007199254740993') }, { project: declared }),
    ).rejects.toThrow(/"n" would be rounded/);
  });

  it('more than a program can be handed, except to yaml', async () => {
    const large = { blob: 'x'.repeat(CONFIG_LIMIT) };
    await expect(render(large)).rejects.toThrow(
      /inputs are \d+ bytes, a Pulumi nodejs program takes 128000/,
    );
    expect((await render(large, { project: project('', 'yaml') })).config['p:blob']).toHaveLength(
      CONFIG_LIMIT,
    );
  });
});
