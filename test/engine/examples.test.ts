/** Every example, built once, does all actions in containers without any network, and asks for nothing. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi, type TestContext } from 'vitest';
import { loadConfig, type Config } from '../../src/config.js';
import type { Json } from '../../src/contract/json.js';
import type { ImportMapping, ModuleRequest } from '../../src/contract/request.js';
import type { ModuleResponse } from '../../src/contract/response.js';
import type { Engine } from '../../src/docker/engine.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { createBuilder } from '../../src/standalone/builder.js';
import { createExecutor, type ExecuteOptions } from '../../src/standalone/executor.js';
import { testEngine, uniqueName } from '../support/test-engine.js';
import { tofuModule } from '../support/local-system.js';
import { watchedNetwork } from '../support/watched-network.js';

vi.setConfig({ maxConcurrency: 2 });

interface Example {
  readonly inputs: Readonly<Record<string, Json>>;
  /** What an apply makes. */
  readonly creates: number;
  readonly imports: readonly ImportMapping[];
  /** The tool's own word when it imports no such object. */
  readonly cannotImport?: string;
  /** Puts what is imported into the world. */
  readonly before?: () => Promise<unknown>;
  readonly dockerSocket?: boolean;
}

const settings: Omit<Example, 'imports'> = {
  inputs: { service: 'shop', replicas: 3, regions: ['north', 'south'], token: 'geheim-4711' },
  creates: 2,
};
const stash = {
  ...settings,
  imports: [{ type: 'pulumi:index:Stash', name: 'settings', id: 'settings' }],
  cannotImport: 'stash can not be imported',
};
const database = uniqueName('example');

let examples: Readonly<Record<string, Example>>;
let engine: Engine;
let config: Config;
/** An image in which something can wait. */
let waits: string;
let folder: string;
let build: (directory: string) => Promise<string>;

beforeAll(async () => {
  config = loadConfig(process.env);
  const parts = await prepareLocalSystem({
    ...setupSettings(config),
    need: ['opentofu', 'postgres-image', 'provider-docker'],
    signal: new AbortController().signal,
    report: () => undefined,
  });
  engine = await testEngine();
  folder = await mkdtemp(join(tmpdir(), 'examples-'));
  waits = parts.opentofu;
  const { directory: mirror } = parts['provider-docker'];
  const builder = await createBuilder({
    engine,
    config: { ...config, ...(mirror === undefined ? {} : { providerMirror: mirror }) },
  });
  build = async (name) => {
    const moduleDir = join(packageRoot(), 'examples', name);
    return (await builder.build({ moduleDir, tag: `cldctl-test/example:${name}` })).reference;
  };
  examples = {
    'service-settings': {
      ...settings,
      imports: [{ address: 'terraform_data.settings', id: 'of-old' }],
    },
    // What it manages is the engine behind the socket: the module itself has no network either.
    postgres: {
      inputs: { name: database, image: parts['postgres-image'].reference },
      creates: 4,
      imports: [{ address: 'docker_volume.data', id: `${database}-data` }],
      before: () => engine.docker.createVolume({ Name: `${database}-data` }),
      dockerSocket: true,
    },
    'pulumi-yaml': stash,
    'pulumi-nodejs': stash,
    'pulumi-python': stash,
    'pulumi-go': stash,
  };
}, 900_000);
afterAll(async () => {
  await engine.docker
    .getVolume(`${database}-data`)
    .remove()
    .catch(() => undefined);
  await rm(folder, { recursive: true, force: true });
});

const names = (await readdir(join(packageRoot(), 'examples'))).sort();

// On a base image that is new, a Go program alone takes minutes to compile.
const images = new Map<string, string>();
beforeAll(async () => {
  for (const name of names) images.set(name, await build(name));
}, 900_000);

test('there are no other examples', () => {
  expect(Object.keys(examples).sort()).toEqual(names);
});

/** Runs requests of one stack where nothing but the kernel sees what is asked of a network. */
async function watchedStack(
  onTestFinished: TestContext['onTestFinished'],
  image: string,
  more: Pick<ExecuteOptions, 'dockerSocket'> = {},
) {
  const network = await watchedNetwork(engine, waits);
  onTestFinished(() => network.close());
  const executor = await createExecutor({ engine: network.engine, config });
  onTestFinished(() => executor.close());
  const state = join(folder, `${uniqueName('example')}.state`);
  const limits = { network: 'none' } as const;
  return {
    run: (request: ModuleRequest): Promise<ModuleResponse> =>
      executor.execute({
        image,
        request: { stack_name: 'example', ...request },
        state,
        limits,
        ...more,
      }),
    asked: () => network.asked(),
  };
}

test.concurrent.for(names)('%s', { timeout: 300_000 }, async (name, { onTestFinished }) => {
  const example = examples[name];
  if (example === undefined) throw new Error(`how ${name} is run is not known`);
  const { creates, imports, cannotImport, dockerSocket } = example;
  const inputs = { ...example.inputs };
  const { run, asked } = await watchedStack(
    onTestFinished,
    images.get(name) ?? '',
    dockerSocket === undefined ? {} : { dockerSocket },
  );
  expect(await run({ action: 'apply', inputs })).toMatchObject({
    success: true,
    receipt: { done: creates, failed: 0, unapproved: 0 },
  });
  expect(await run({ action: 'preview', inputs })).toMatchObject({
    success: true,
    summary: { create: 0, update: 0, replace: 0, delete: 0 },
  });
  expect(await run({ action: 'refresh', inputs })).toMatchObject({ success: true, drift: [] });
  const destroyed = { success: true, receipt: { failed: 0, unapproved: 0 } };
  expect(await run({ action: 'destroy', inputs })).toMatchObject(destroyed);
  await example.before?.();
  const imported = await run({ action: 'import', inputs, imports: [...imports] });
  if (cannotImport === undefined) {
    expect(imported).toMatchObject({ success: true, receipt: { done: 1, failed: 0 } });
    expect(await run({ action: 'destroy', inputs })).toMatchObject(destroyed);
  } else expect(imported.error).toContain(cannotImport);
  expect(await asked(), 'asked of a network').toBe(0);
});

test.concurrent.for([
  ['an address', 'exec 3<>/dev/tcp/192.0.2.1/443 || true'],
  ['a name', 'getent hosts registry.opentofu.org || true'],
])('that a module asks for %s would have been seen', async ([, command], { onTestFinished }) => {
  const module = `
resource "terraform_data" "asks" {
  provisioner "local-exec" {
    interpreter = ["/bin/bash", "-c"]
    command     = ${JSON.stringify(command)}
  }
}
`;
  const { run, asked } = await watchedStack(onTestFinished, await tofuModule(engine, module));
  expect(await run({ action: 'apply' })).toMatchObject({ success: true });
  expect(await asked()).toBeGreaterThan(0);
});
