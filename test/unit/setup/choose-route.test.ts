import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { chooseRoute } from '../../../src/setup/choose-route.js';
import { registryHost } from '../../../src/setup/image-names.js';

describe('the route to parts', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });
  const serve = async (answer: RequestListener): Promise<string> => {
    const server = createServer(answer);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(server.address() as AddressInfo).port}/debian:slim`;
  };
  const never = new AbortController().signal;

  it('is public when a registry answers', async () => {
    const image = await serve((_, response) => response.writeHead(200).end('{}'));
    expect(await chooseRoute(image, never)).toBe('public');
  });

  it('is public when the registry asks for a login first', async () => {
    const image = await serve((_, response) =>
      response.writeHead(401, { 'www-authenticate': 'Bearer realm="x"' }).end(),
    );
    expect(await chooseRoute(image, never)).toBe('public');
  });

  it('is source when something else answers in the registry’s place', async () => {
    const image = await serve((_, response) => response.writeHead(403).end('blocked by policy'));
    expect(await chooseRoute(image, never)).toBe('source');
  });

  it('is source when nobody listens', async () => {
    expect(await chooseRoute('127.0.0.1:1/debian:slim', never)).toBe('source');
  });

  it('is source when no answer comes within the limit', async () => {
    const image = await serve(() => undefined);
    expect(await chooseRoute(image, never, 50)).toBe('source');
  });

  it.each([
    ['debian:bookworm-slim', 'registry-1.docker.io'],
    ['pulumi/pulumi-base:3', 'registry-1.docker.io'],
    ['ghcr.io/opentofu/opentofu:1-minimal', 'ghcr.io'],
    ['localhost/debian', 'localhost'],
    ['mirror:5000/debian:slim', 'mirror:5000'],
  ])('asks the registry of %s at %s', (image, host) => {
    expect(registryHost(image)).toBe(host);
  });
});
