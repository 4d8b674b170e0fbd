/** Plugins come into an image when it is built, from the server that the program names, and never when it runs. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type { ModuleResponse } from '../../src/contract/response.js';
import type { Engine } from '../../src/docker/engine.js';
import { readModuleDescription } from '../../src/docker/module-description.js';
import { resolveLimits } from '../../src/docker/module-run.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { outsidePulumiPlugin } from '../support/outside-provider.js';
import { startOutsideWorld, type OutsideWorld } from '../support/outside-world.js';
import { pulumiModuleImage } from '../support/pulumi-module.js';
import { runOnce } from '../support/run-once.js';
import { testEngine } from '../support/test-engine.js';

const abort = new AbortController();
const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
let engine: Engine;
let base: string;
let world: OutsideWorld;
let server: Server;
let address: string;
let plugin: Buffer;
let asked: string[];

beforeAll(async () => {
  engine = await testEngine();
  world = await startOutsideWorld();
  base = (
    await prepareLocalSystem({
      ...setupSettings(loadConfig(process.env)),
      need: ['pulumi-yaml'],
      signal: abort.signal,
      report: () => undefined,
    })
  )['pulumi-yaml'];
  plugin = readFileSync(join(await outsidePulumiPlugin(), 'pulumi-resource-outside'));
  const archive = await archiveOf('pulumi-resource-outside', plugin);
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const served = `/plugins/pulumi-resource-outside-v1.0.0-linux-${architecture}.tar.gz`;
    if (request.url === served) response.end(archive);
    else response.writeHead(404).end();
  });
  const { hostname } = new URL(world.containerEnvironment.OUTSIDE_URL);
  server.listen(0, hostname === 'host.docker.internal' ? '127.0.0.1' : hostname);
  await once(server, 'listening');
  address = `http://${hostname}:${(server.address() as AddressInfo).port}/plugins`;
}, 900_000);
beforeEach(() => {
  asked = [];
});
afterAll(async () => {
  abort.abort();
  server.close();
  await world.close();
});

async function archiveOf(name: string, content: Buffer): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name, mode: 0o755 }, content);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks), { level: 1 });
}

function moduleOf(version: string): Promise<string> {
  return pulumiModuleImage(
    engine,
    base,
    {
      'Pulumi.yaml': `name: plugged
runtime: yaml
resources:
  a:
    type: outside:index:Thing
    properties: {name: plugged, value: one}
    options: {version: ${version}, pluginDownloadURL: "${address}"}
`,
    },
    abort.signal,
  );
}

async function apply(image: string): Promise<ModuleResponse> {
  const { response } = await runOnce(engine, {
    image,
    request: {
      action: 'apply',
      stack_name: 'plugged',
      environment: { ...world.containerEnvironment },
    },
    limits: resolveLimits({ network: 'open' }),
    signal: abort.signal,
  });
  return response;
}

test('the plugin of a program is in the image, locked by version and digest, and nothing is fetched by the run', async () => {
  const image = await moduleOf('1.0.0');
  expect(asked.length).toBeGreaterThan(0);
  const description = await readModuleDescription(engine, image);
  expect(description?.notices).toBeUndefined();
  expect(description?.plugins).toEqual([
    {
      name: 'outside',
      version: '1.0.0',
      sha256: createHash('sha256').update(plugin).digest('hex'),
    },
  ]);
  asked = [];
  const response = await apply(image);
  expect(response.failure).toBeUndefined();
  expect(response.receipt).toMatchObject({ done: 1, failed: 0 });
  expect(world.thing('plugged')?.properties).toMatchObject({ value: 'one' });
  expect(asked).toEqual([]);
});

test('a plugin that could not be had is told by the build, and named with the fix by the run, which does not fetch it', async () => {
  const image = await moduleOf('2.0.0');
  const description = await readModuleDescription(engine, image);
  expect(description?.plugins).toBeUndefined();
  expect(description?.notices).toEqual([
    expect.stringMatching(/not every plugin could be installed.*outside/),
  ]);
  asked = [];
  const { failure } = await apply(image);
  expect(failure?.code).toBe('InvalidModule');
  expect(failure?.message).toMatch(
    /^plugin outside is not in the image: add it to the module's dependencies .* and build again$/,
  );
  expect(asked).toEqual([]);
});
