import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  downloadPackage,
  findPackage,
  lockEntry,
} from '../../../entrypoint/tools/opentofu/network-packages.js';

const PROVIDER = { address: 'registry.example.com/team/thing', version: '1.2.0' };
const DOCUMENT = '/mirror/registry.example.com/team/thing/1.2.0.json';
const archives = (value: unknown): string => JSON.stringify({ archives: value });

let folder: string;
let server: Server;
let base: string;
let answers: Readonly<Record<string, RequestListener>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'network-packages-'));
  server = createServer((request, response) => {
    const answer = answers[request.url ?? ''];
    if (answer === undefined) response.writeHead(404).end();
    else answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

const says = (text: string, status = 200): RequestListener => {
  return (_, response) => void response.writeHead(status).end(text);
};
const find = (): ReturnType<typeof findPackage> =>
  findPackage(`${base}/mirror`, PROVIDER, 'linux_arm64');

describe('a package of a network mirror', () => {
  test.each([
    ['beside its document', 'thing.zip', '/mirror/registry.example.com/team/thing/thing.zip'],
    ['from the root of the server', '/archives/thing.zip', '/archives/thing.zip'],
  ])('is named %s, with the hashes that it has', async (_, url, path) => {
    answers = { [DOCUMENT]: says(archives({ linux_arm64: { url, hashes: ['zh:00'] } })) };
    expect(await find()).toEqual({ url: new URL(path, base), hashes: ['zh:00'] });
  });

  test('may be on another server, and have no hashes', async () => {
    const url = 'https://archives.example.com/thing.zip?signed=1';
    answers = { [DOCUMENT]: says(archives({ linux_arm64: { url } })) };
    expect(await find()).toEqual({ url: new URL(url), hashes: [] });
  });

  test.each([
    ['the provider or version', {}],
    ['the platform', { [DOCUMENT]: says(archives({ linux_amd64: { url: 'thing.zip' } })) }],
  ])('is none without %s', async (_, given) => {
    answers = given;
    expect(await find()).toBeUndefined();
  });

  test.each([
    ['an error', says('try later', 503), 'HTTP status 503'],
    ['a page', says('<html>log in</html>'), 'it is no JSON'],
  ])('and %s instead of its document is told with the address', async (_, answer, reason) => {
    answers = { [DOCUMENT]: answer };
    await expect(find()).rejects.toMatchObject({
      failure: {
        code: 'InvalidModule',
        message: `can't get ${base}${DOCUMENT} from the provider mirror: ${reason}`,
      },
    });
  });
});

describe('its download', () => {
  const target = (): string => join(folder, 'a', 'b', 'thing.zip');
  const download = (): Promise<void> =>
    downloadPackage({ url: new URL('/thing.zip', base), hashes: [] }, target());

  test('follows where the mirror sends it', async () => {
    answers = {
      '/thing.zip': (_, response) => void response.writeHead(302, { location: '/stored' }).end(),
      '/stored': says('bytes'),
    };
    await download();
    expect(await readFile(target(), 'utf8')).toBe('bytes');
  });

  test('fails when it does not come whole', async () => {
    answers = {
      '/thing.zip': (_, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('half', () => response.destroy());
      },
    };
    await expect(download()).rejects.toThrow(`can't get ${base}/thing.zip`);
  });

  test('fails with the status of an archive that is not there', async () => {
    answers = {};
    await expect(download()).rejects.toThrow('HTTP status 404');
  });
});

test('an entry of a lock file names provider, version and hashes', () => {
  expect(lockEntry(PROVIDER, ['h1:a=', 'zh:b'])).toBe(`
provider "registry.example.com/team/thing" {
  version = "1.2.0"
  hashes  = ["h1:a=","zh:b"]
}
`);
});
