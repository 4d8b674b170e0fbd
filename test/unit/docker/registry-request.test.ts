/** What is asked of a registry's own API, and whom its credentials reach. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import type { Engine } from '../../../src/docker/engine.js';
import type { RegistryAuth } from '../../../src/docker/registry-auth.js';
import { registryRequest } from '../../../src/docker/registry-request.js';

const engine = { docker: { info: () => Promise.resolve({}) } } as unknown as Engine;
const { signal } = new AbortController();
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0))
    await new Promise((done) => (server.close(done), server.closeAllConnections()));
});

async function serve(
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void,
): Promise<string> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => answer(request, response, body));
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '0.0.0.0', done));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const read = (host: string, auth?: RegistryAuth, from = engine): Promise<Response> =>
  registryRequest(
    from,
    { reference: `${host}/modules/db:1`, auth },
    { method: 'GET', path: 'manifests/1', headers: { accept: 'text/plain' } },
    signal,
  );

/** A registry that wants a token, and the server that gives it. */
async function tokenRegistry(seen: Record<'registry' | 'tokens', string[]>): Promise<string> {
  const tokens = await serve((request, response, body) => {
    seen.tokens.push(`${request.method} ${request.headers.authorization ?? 'nobody'} ${body}`);
    expect(`${request.url}${body}`).toMatch(/service=.*scope=repository/);
    response.end(JSON.stringify({ token: 'granted' }));
  });
  return serve((request, response) => {
    seen.registry.push(request.headers.authorization ?? 'nobody');
    if (request.headers.authorization === 'Bearer granted') response.end('manifest');
    else
      response
        .writeHead(401, {
          'www-authenticate': `Bearer realm="http://${tokens}/token",service="r",scope="repository:modules/db:pull"`,
        })
        .end();
  });
}

describe('a request to a registry', () => {
  test('gives a password to the registry’s token server, and only the token to the registry', async () => {
    const seen = { registry: [] as string[], tokens: [] as string[] };
    const host = await tokenRegistry(seen);
    const login = { username: 'user', password: 'secret', serveraddress: host };
    expect(await (await read(host, login)).text()).toBe('manifest');
    expect(seen.registry).toEqual(['nobody', 'Bearer granted']);
    expect(seen.tokens).toEqual([`GET Basic ${Buffer.from('user:secret').toString('base64')} `]);
  });

  test('exchanges an identity token, and asks for a token without any login', async () => {
    const seen = { registry: [] as string[], tokens: [] as string[] };
    const host = await tokenRegistry(seen);
    await read(host, { identitytoken: 'identity', serveraddress: host });
    await read(host);
    expect(seen.tokens).toEqual([
      expect.stringMatching(/^POST nobody .*grant_type=refresh_token&refresh_token=identity/),
      'GET nobody ',
    ]);
  });

  test.each([
    [401, 'UNAUTHORIZED', 'RegistryDenied'],
    [403, 'DENIED', 'RegistryDenied'],
    [404, 'MANIFEST_UNKNOWN', 'ModuleNotFound'],
    [429, 'TOOMANYREQUESTS', 'RegistryUnavailable'],
    [503, undefined, 'RegistryUnavailable'],
  ])('that is answered %i %s is %s', async (status, code, expected) => {
    const host = await serve((_, response) =>
      response
        .writeHead(status)
        .end(code === undefined ? '<html>' : JSON.stringify({ errors: [{ code, message: 'no' }] })),
    );
    await expect(read(host)).rejects.toMatchObject({ code: expected });
  });

  test('that nobody answers may be answered later', async () => {
    await expect(read('127.0.0.1:9')).rejects.toMatchObject({
      code: 'RegistryUnavailable',
      retryable: true,
      message: expect.stringContaining("can't read 127.0.0.1:9/modules/db:1") as string,
    });
  });

  test('is not sent in plain text, but to this machine and to what the engine calls insecure', async () => {
    const plain = await serve((_, response) => response.end('plain'));
    const port = plain.split(':')[1];
    const others = Object.values(networkInterfaces()).flat();
    const address = others.find((one) => one?.family === 'IPv4' && !one.internal)?.address;
    const host = `${address}:${port}`;
    const configured = (RegistryConfig: object): Engine =>
      ({ docker: { info: () => Promise.resolve({ RegistryConfig }) } }) as unknown as Engine;
    await expect(read(host)).rejects.toMatchObject({ code: 'RegistryUnavailable' });
    expect((await read(`localhost:${port}`)).status).toBe(200);
    for (const settings of [
      { InsecureRegistryCIDRs: [`${address}/32`] },
      { IndexConfigs: { [host]: { Secure: false } } },
    ])
      expect((await read(host, undefined, configured(settings))).status).toBe(200);
  });
});
