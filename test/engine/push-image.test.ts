import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { tagImage } from '../../src/docker/build.js';
import type { Engine } from '../../src/docker/engine.js';
import { findImage } from '../../src/docker/find-image.js';
import { pullImage, pushImage, registryDigest } from '../../src/docker/push.js';
import { registryAuth } from '../../src/docker/registry-auth.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { startRegistry, type LocalRegistry } from '../../src/setup/registry.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { createBuilder } from '../../src/standalone/builder.js';
import { testEngine, uniqueName } from '../support/test-engine.js';
import { tinyBase } from '../support/tiny-base.js';

// htpasswd -nbBC 5 user secret
const HTPASSWD = 'user:$2y$05$1zQPDbaKMxkBXHK1XIBzquUTSZHImfRbvijZ6tL93W/MPSVUuRglq';
const { signal } = new AbortController();

let engine: Engine;
let base: string;
let registry: LocalRegistry;
const names: string[] = [];

beforeAll(async () => {
  engine = await testEngine();
  base = await tinyBase(engine);
  const { registry: program } = await prepareLocalSystem({
    need: ['registry'],
    ...setupSettings(loadConfig(process.env)),
    signal,
    report: () => undefined,
  });
  registry = await startRegistry({ program, htpasswd: HTPASSWD });
}, 600_000);
afterAll(async () => {
  for (const name of names)
    await engine.docker
      .getImage(name)
      .remove()
      .catch(() => undefined);
  await registry.stop();
});

async function named(host = registry.address): Promise<string> {
  const reference = `${host}/test/${uniqueName('push')}:v1`;
  await tagImage(engine, base, reference);
  names.push(reference);
  return reference;
}
const login = (password: string) => ({
  username: 'user',
  password,
  serveraddress: registry.address,
});

describe('push', () => {
  test('gives the digest that the registry knows, and pulling by it gives the same image', async () => {
    const reference = await named();
    const auth = login('secret');
    const pushed = await pushImage(engine, { reference, auth }, { signal });
    expect(pushed.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(pushed.reference).toBe(`${reference.replace(/:v1$/, '')}@${pushed.digest}`);
    expect(await registryDigest(engine, { reference, auth })).toBe(pushed.digest);
    await engine.docker.getImage(reference).remove();
    names.push(pushed.reference);
    const pulled = await pullImage(engine, { reference: pushed.reference, auth }, { signal });
    expect(pulled).toEqual({
      digest: pushed.digest,
      imageId: (await findImage(engine, base))?.id,
    });
    expect(await pushImage(engine, { reference: await named(), auth }, { signal })).toMatchObject({
      digest: pushed.digest,
    });
  });

  test('without credentials or with a wrong password it is refused, and another try would not help', async () => {
    for (const auth of [undefined, login('wrong')]) {
      const failing = pushImage(engine, { reference: await named(), auth }, { signal });
      await expect(failing).rejects.toMatchObject({ code: 'RegistryDenied', retryable: false });
    }
  });

  test('a tag that is not here is named', async () => {
    const reference = `${registry.address}/test/${uniqueName('none')}:v1`;
    await expect(
      pushImage(engine, { reference, auth: login('secret') }, { signal }),
    ).rejects.toMatchObject({ code: 'ModuleNotFound' });
  });

  test('a registry that is down may be back later', async () => {
    const reference = await named('127.0.0.1:9');
    await expect(pushImage(engine, { reference }, { signal })).rejects.toMatchObject({
      code: 'RegistryUnavailable',
      retryable: true,
    });
  });

  test('a push to a registry that dies half-way can be cancelled, and the next one goes through', async () => {
    const proxy = await dyingProxy(registry.address);
    try {
      const reference = await named(proxy.address);
      const auth = { ...login('secret'), serveraddress: proxy.address };
      const cancel = new AbortController();
      const pushing = pushImage(engine, { reference, auth }, { signal: cancel.signal });
      // The engine tries a broken upload again for most of a minute.
      void proxy.broke.then(() => cancel.abort());
      await expect(pushing).rejects.toMatchObject({ name: 'AbortError' });
      proxy.heal();
      expect((await pushImage(engine, { reference, auth }, { signal })).digest).toMatch(/^sha256:/);
    } finally {
      proxy.stop();
    }
  });
});

describe('pull', () => {
  test('an unknown tag or repository is named, a wrong password refused', async () => {
    const reference = `${registry.address}/test/${uniqueName('none')}:v1`;
    const pull = (password: string): Promise<unknown> =>
      pullImage(engine, { reference, auth: login(password) }, { signal });
    await expect(pull('secret')).rejects.toMatchObject({ code: 'ModuleNotFound' });
    await expect(pull('wrong')).rejects.toMatchObject({ code: 'RegistryDenied' });
  });
});

test('the credentials of the docker command let a push through, and go to no other host', async () => {
  const configFolder = await mkdtemp(join(tmpdir(), 'docker-config-'));
  try {
    const auth = Buffer.from('user:secret').toString('base64');
    await writeFile(
      join(configFolder, 'config.json'),
      JSON.stringify({ auths: { [registry.address]: { auth } } }),
    );
    const options = { configFolder, environment: {} };
    const found = await registryAuth(registry.address, options);
    const reference = await named();
    expect((await pushImage(engine, { reference, auth: found }, { signal })).digest).toBeTruthy();
    expect(await registryAuth('registry.example.com', options)).toBeUndefined();
  } finally {
    await rm(configFolder, { recursive: true });
  }
});

test('a private base image of a module is pulled with the credentials of its host', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'private-base-'));
  try {
    const config = loadConfig({ ...process.env, DOCKER_CONFIG: folder });
    const auth = Buffer.from('user:secret').toString('base64');
    await writeFile(
      join(folder, 'config.json'),
      JSON.stringify({ auths: { [registry.address]: { auth } } }),
    );
    const reference = await named();
    await pushImage(engine, { reference, auth: login('secret') }, { signal });
    await engine.docker.getImage(reference).remove();
    await writeFile(
      join(folder, 'Dockerfile'),
      `FROM ${reference}\nCOPY --from=cldctl-entrypoint /cldctl-entrypoint /cldctl-entrypoint\n`,
    );
    await writeFile(join(folder, 'main.tf'), '');
    const tag = `cldctl-test/private:${uniqueName('base')}`;
    names.push(tag);
    const builder = await createBuilder({ engine, config });
    expect(await builder.build({ moduleDir: folder, tag })).toMatchObject({ reference: tag });
  } finally {
    await rm(folder, { recursive: true });
  }
});

interface DyingProxy {
  readonly address: string;
  /** Resolves when it has hung up for the first time. */
  readonly broke: Promise<void>;
  heal(): void;
  stop(): void;
}

/** Passes on what it is asked until blobs are uploaded: then it hangs up. */
async function dyingProxy(target: string): Promise<DyingProxy> {
  let healthy = false;
  let tellBroke: () => void = () => undefined;
  const broke = new Promise<void>((done) => (tellBroke = done));
  const [host, port] = target.split(':');
  const server: Server = createServer((incoming, answer) => {
    if (!healthy && incoming.method !== 'GET' && incoming.method !== 'HEAD') {
      incoming.socket.destroy();
      tellBroke();
      return;
    }
    const passed = request(
      {
        host,
        port,
        method: incoming.method,
        path: incoming.url,
        headers: incoming.headers,
      },
      (given) => {
        answer.writeHead(given.statusCode ?? 500, given.headers);
        given.pipe(answer);
      },
    );
    passed.on('error', () => answer.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    broke,
    heal: () => void (healthy = true),
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
