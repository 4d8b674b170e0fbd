/** Detect, build and push: a cancel ends them at once, the death of the worker (SIGKILL) does not. No half image and no container is left. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StartedOperation } from '../../src/client/index.js';
import { loadConfig } from '../../src/config.js';
import type { ModuleSource } from '../../src/contract/operation.js';
import { packArchive } from '../../src/docker/archive.js';
import type { Engine } from '../../src/docker/engine.js';
import { untagImages } from '../../src/docker/untag-images.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { startRegistry, type LocalRegistry } from '../../src/setup/registry.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import type { RunningCommand } from '../support/command.js';
import { startHeldEngine, type HeldEngine } from '../support/held-engine.js';
import { startHeldRegistry, type HeldRegistry } from '../support/held-registry.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';
import { testEngine } from '../support/test-engine.js';

const MODULE = `
resource "terraform_data" "a" { input = 1 }
output "o" { value = terraform_data.a.output }
`;
/** Milliseconds from the request to the end of the operation: a look of one second at the engine, a beat, and the steps' own time. */
const SOON = 4000;
/** The base image's layers may have to be pushed first. */
const LONG = 300_000;

const figures: Record<string, number> = {};
let engine: Engine;
let held: HeldEngine;
let registry: LocalRegistry;
let way: HeldRegistry;
let modules: string;
let system: LocalSystem;
let worker: RunningCommand;
let image: string;

beforeAll(async () => {
  const { registry: program } = await prepareLocalSystem({
    need: ['registry', 'opentofu'],
    ...setupSettings(loadConfig(process.env)),
    signal: new AbortController().signal,
    report: () => undefined,
  });
  engine = await testEngine();
  image = await tofuModule(engine, MODULE);
  registry = await startRegistry({ program });
  way = await startHeldRegistry(registry.address);
  held = await startHeldEngine(engine);
  modules = await mkdtemp(join(tmpdir(), 'early-phases-'));
  system = await createLocalSystem({
    engine: { host: held.host, engine },
    env: { CLDCTL_MODULES_ROOT: modules, CLDCTL_REGISTRY: `${way.address}/modules` },
  });
  worker = await system.startWorker();
}, 600_000);
afterAll(async () => {
  console.log('milliseconds from the request:', JSON.stringify(figures));
  held.release();
  way.release();
  await system.close();
  for (const prefix of [`${way.address}/`, 'cldctl-module/test-early-'])
    await untagImages(engine, prefix);
  await Promise.all([held.close(), way.close(), registry.stop()]);
  await rm(modules, { recursive: true, force: true });
});

function apply(stackId: string, module: ModuleSource): Promise<StartedOperation> {
  return system.client.start({
    stackId,
    operation: 'apply',
    module,
    limits: { network: 'none' },
    approval: { mode: 'auto', expiresIn: '1h' },
  });
}

/** A directory of the stack's own, with further files. */
async function directory(
  stackId: string,
  files: Readonly<Record<string, string>> = {},
): Promise<ModuleSource> {
  await mkdir(join(modules, stackId));
  const all = { 'main.tf': `${MODULE}# ${stackId}\n`, ...files };
  for (const [name, text] of Object.entries(all))
    await writeFile(join(modules, stackId, name), text);
  return { path: stackId };
}

/** A Dockerfile with a step that takes its time, which no other has. */
const slow = (seconds: string): string => `FROM cldctl-iac/opentofu
USER 0:0
RUN ["sleep", "${seconds}"]
COPY . /module
RUN ["/cldctl-entrypoint", "prepare"]
USER 10001:10001
`;

async function killWorker(): Promise<void> {
  worker.signal('SIGKILL');
  await worker.done;
}

/** Cancels, waits for the end, and notes how long that took. */
async function cancel(started: StartedOperation, what: string): Promise<void> {
  const from = performance.now();
  await system.client.cancel(started);
  await expect(system.client.result(started)).rejects.toMatchObject({ code: 'OperationCanceled' });
  figures[what] = Math.round(performance.now() - from);
  expect(figures[what]).toBeLessThan(SOON);
}

async function tagsOf(name: string): Promise<string[]> {
  const listed = await engine.docker.listImages();
  return listed.flatMap(({ RepoTags }) => RepoTags ?? []).filter((tag) => tag.includes(name));
}

/** Processes of this machine with this argument: also those of builds, which are in no list of containers. */
async function processesWith(argument: string): Promise<string[]> {
  const ids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.split('\0').includes(argument));
}

async function repositories(): Promise<unknown> {
  return (await fetch(`http://${registry.address}/v2/_catalog`)).json();
}

/** Neither a container nor a volume is left of the stack. */
async function nothingLeft(stackId: string): Promise<void> {
  const filters = { label: [`dev.cldctl.stack-id=${stackId}`] };
  const left = async (): Promise<unknown> => [
    ...(await engine.docker.listContainers({ all: true, filters })).map(({ Names }) => Names),
    ...(await engine.docker.listVolumes({ filters })).Volumes.map(({ Name }) => Name),
  ];
  await expect.poll(left, { timeout: 20_000 }).toEqual([]);
}

describe('a cancel', () => {
  test('in detect, while the engine owes an answer', async () => {
    const stackId = uniqueStack('early-cancel');
    const asked = held.holds('/images/');
    held.hold();
    try {
      const started = await apply(stackId, { image });
      await asked;
      await cancel(started, 'detect');
    } finally {
      held.release();
    }
    await nothingLeft(stackId);
  });

  test.each([
    ['of an image', async () => ({ image })],
    ['of a directory', (stackId: string) => directory(stackId)],
  ])('in a build %s, while the engine owes an answer', async (what, source) => {
    const stackId = uniqueStack('early-cancel');
    held.hold();
    try {
      const started = await apply(stackId, await source(stackId));
      await expect
        .poll(async () => (await system.client.state(started)).phase, { timeout: 30_000 })
        .toBe('build');
      await cancel(started, `build ${what}, engine held`);
    } finally {
      held.release();
    }
    await nothingLeft(stackId);
    expect(await tagsOf(stackId)).toEqual([]);
  });

  test('during a build: its step is stopped, and there is no image and no tag', async () => {
    const stackId = uniqueStack('early-cancel');
    const seconds = `97.${stackId.slice(-8).replace(/\D/g, '7')}1`;
    const started = await apply(stackId, await directory(stackId, { Dockerfile: slow(seconds) }));
    await expect.poll(() => system.logOf(started), { timeout: 120_000 }).toContain(seconds);
    await cancel(started, 'build');
    await expect.poll(() => processesWith(seconds), { timeout: 10_000 }).toEqual([]);
    expect(await tagsOf(stackId)).toEqual([]);
    await nothingLeft(stackId);
  });

  test('during a push: the upload is broken off, and the registry never gets a name', async () => {
    const stackId = uniqueStack('early-cancel');
    const before = await repositories();
    const uploading = way.hold();
    const started = await apply(stackId, await directory(stackId));
    await uploading;
    await cancel(started, 'push');
    way.release();
    await nothingLeft(stackId);
    expect(await repositories()).toEqual(before);
  });
});

describe('the death of the worker', () => {
  /** The operation ended well, once, and left nothing on the engine but its image; answers that. */
  async function finished(started: StartedOperation): Promise<string> {
    const { stackId } = started;
    const result = await system.client.result(started);
    expect(result).toMatchObject({
      outcome: 'succeeded',
      outputs: { o: { value: 1 } },
      receipt: { done: 1, failed: 0, not_reached: 0, unapproved: 0 },
    });
    const { operations, openRun, state } = await system.client.stack(stackId);
    expect(operations).toMatchObject([{ operation: 'apply', outcome: 'succeeded' }]);
    expect(openRun).toBeUndefined();
    expect(state).toMatchObject({ version: 1 });
    await nothingLeft(stackId);
    return result.image ?? '';
  }

  test('in detect: the next worker looks again', async () => {
    const stackId = uniqueStack('early-death');
    const asked = held.holds('/images/');
    held.hold();
    const started = await apply(stackId, { image });
    await asked;
    await killWorker();
    held.release();
    worker = await system.startWorker();
    await finished(started);
  });

  test(
    'during a build: its step is stopped, and the next worker builds the image whole',
    async () => {
      const stackId = uniqueStack('early-death');
      const seconds = `6.${stackId.slice(-8).replace(/\D/g, '7')}1`;
      const started = await apply(stackId, await directory(stackId, { Dockerfile: slow(seconds) }));
      await expect.poll(() => system.logOf(started), { timeout: 120_000 }).toContain(seconds);
      await killWorker();
      await expect.poll(() => processesWith(seconds), { timeout: 5000 }).toEqual([]);
      expect(await tagsOf(stackId)).toEqual([]);
      worker = await system.startWorker();
      expect(await finished(started)).toMatch(new RegExp(`/${stackId}@sha256:`));
    },
    LONG,
  );

  test(
    'during a push: the registry has no name yet, and gets the whole image from the next worker',
    async () => {
      const stackId = uniqueStack('early-death');
      const store = await system.openStore();
      const archive = await store.artefacts.put(
        await packArchive([
          { name: 'main.tf', bytes: `${MODULE}# ${stackId}\n`, mode: 0o644, uid: 0, gid: 0 },
        ]),
      );
      store.close();
      const before = await repositories();
      const uploading = way.hold();
      const started = await apply(stackId, { archive });
      await uploading;
      await killWorker();
      expect(await repositories()).toEqual(before);
      worker = await system.startWorker();
      way.release();
      const [, name = '', digest = ''] =
        /^[^/]+\/(.+)@(sha256:\w+)$/.exec(await finished(started)) ?? [];
      const manifest = await fetch(`http://${registry.address}/v2/${name}/manifests/${digest}`);
      expect(manifest.status).toBe(200);
    },
    LONG,
  );
});
