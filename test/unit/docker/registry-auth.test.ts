import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { registryAuth } from '../../../src/docker/registry-auth.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'docker-config-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const encode = (login: string): string => Buffer.from(login).toString('base64');
async function ask(host: string, config?: object | string): Promise<unknown> {
  if (config !== undefined)
    await writeFile(
      join(folder, 'config.json'),
      typeof config === 'string' ? config : JSON.stringify(config),
    );
  const environment = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
  return registryAuth(host, { configFolder: folder, environment });
}
/** A helper that keeps what it was asked in a file. */
async function helper(name: string, script: string): Promise<void> {
  const path = join(folder, `docker-credential-${name}`);
  await writeFile(path, `#!/bin/sh\ncat > ${folder}/asked\n${script}\n`);
  await chmod(path, 0o755);
}

describe('entries of config.json', () => {
  test('no file and no entry mean anonymous', async () => {
    expect(await ask('a.example.com')).toBeUndefined();
    expect(await ask('a.example.com', { auths: {} })).toBeUndefined();
    expect(await ask('a.example.com', { auths: { 'a.example.com': {} } })).toBeUndefined();
  });

  test('a password may hold colons', async () => {
    const config = { auths: { 'a.example.com:5000': { auth: encode('user:pass:word') } } };
    expect(await ask('a.example.com:5000', config)).toEqual({
      username: 'user',
      password: 'pass:word',
      serveraddress: 'a.example.com:5000',
    });
  });

  test.each(['https://a.example.com', 'http://a.example.com/v2/', 'a.example.com'])(
    'the key %s is of the host',
    async (key) => {
      const config = { auths: { [key]: { auth: encode('u:p') } } };
      expect(await ask('a.example.com', config)).toMatchObject({ username: 'u' });
    },
  );

  test('another host gets nothing, not even one that begins alike', async () => {
    const config = { auths: { 'a.example.com': { auth: encode('u:p') } } };
    for (const host of ['b.example.com', 'a.example.com:5000', 'a.example.com.evil.example'])
      expect(await ask(host, config)).toBeUndefined();
  });

  test('Docker Hub has a key of its own', async () => {
    const config = { auths: { 'https://index.docker.io/v1/': { auth: encode('u:p') } } };
    expect(await ask('docker.io', config)).toEqual({
      username: 'u',
      password: 'p',
      serveraddress: 'https://index.docker.io/v1/',
    });
  });

  test('an identity token is passed on as one', async () => {
    const config = { auths: { 'a.example.com': { auth: encode('u:'), identitytoken: 'token' } } };
    expect(await ask('a.example.com', config)).toEqual({
      identitytoken: 'token',
      serveraddress: 'a.example.com',
    });
  });

  test('a broken file or entry is said, without what is in it', async () => {
    await expect(ask('a.example.com', '{"auths"')).rejects.toMatchObject({
      code: 'InvalidConfiguration',
    });
    const broken = ask('a.example.com', { auths: { 'a.example.com': { auth: encode('secret') } } });
    await expect(broken).rejects.toMatchObject({ code: 'InvalidConfiguration' });
    await expect(broken).rejects.not.toThrow(/secret/);
  });
});

describe('helpers', () => {
  const answer = (username: string): string =>
    `echo '{"ServerURL":"x","Username":"${username}","Secret":"s"}'`;

  test("a host's helper is asked for that host, and wins", async () => {
    await helper('one', answer('helped'));
    const config = {
      credHelpers: { 'a.example.com': 'one' },
      credsStore: 'missing',
      auths: { 'a.example.com': { auth: encode('u:p') } },
    };
    expect(await ask('a.example.com', config)).toMatchObject({ username: 'helped', password: 's' });
    expect(await readFile(join(folder, 'asked'), 'utf8')).toBe('a.example.com\n');
  });

  test('a store that has nothing leaves the entries', async () => {
    await helper('store', 'echo "credentials not found in native keychain"; exit 1');
    const config = { credsStore: 'store', auths: { 'a.example.com': { auth: encode('u:p') } } };
    expect(await ask('a.example.com', config)).toMatchObject({ username: 'u' });
    expect(await ask('b.example.com', config)).toBeUndefined();
  });

  test('the user name <token> makes it an identity token', async () => {
    await helper('store', answer('<token>'));
    expect(await ask('a.example.com', { credsStore: 'store' })).toEqual({
      identitytoken: 's',
      serveraddress: 'a.example.com',
    });
  });

  test.each([
    ['that is missing', 'nowhere', undefined],
    ['that fails', 'bad', 'echo locked; exit 1'],
    ['that answers nonsense', 'bad', 'echo nonsense'],
    ['with a path for a name', '../bad', undefined],
  ])('one %s is named', async (_, name, script) => {
    if (script !== undefined) await helper(name, script);
    await expect(ask('a.example.com', { credsStore: name })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining(`docker-credential-${name}`) as string,
    });
  });
});
