/** A cancel in every phase, through a real worker: what it ends, how soon the tool hears of it, and what is left. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StartedOperation } from '../../src/client/index.js';
import type { OperationInput, OperationResult, Phase } from '../../src/contract/operation.js';
import type { Engine } from '../../src/docker/engine.js';
import { CodedError } from '../../src/errors.js';
import { readChunks } from '../../src/logs/log-store.js';
import { countingImage } from '../support/counting-image.js';
import { startHeldEngine, type HeldEngine } from '../support/held-engine.js';
import { approveWhenAsked } from '../support/approve-when-asked.js';
import { createLocalSystem, uniqueStack, type LocalSystem } from '../support/local-system.js';
import { CHAIN, NAMES, outsideModuleImages } from '../support/outside-modules.js';
import {
  startOutsideWorld,
  type Held,
  type OutsideOperation,
  type OutsideWorld,
} from '../support/outside-world.js';
import { testEngine } from '../support/test-engine.js';

/** Milliseconds in which a tool has to hear of a cancel, and a killed container has to be gone. */
const SOON = 3000;
const SLOTS = 2;

const abort = new AbortController();
const figures: Record<string, number> = {};
let engine: Engine;
let held: HeldEngine;
let world: OutsideWorld;
let system: LocalSystem;
let images: { opentofu: string; pulumi: string };
let folder: string;
let registry: StallingRegistry;

beforeAll(async () => {
  engine = await testEngine();
  const { opentofu, pulumi } = await outsideModuleImages(engine, CHAIN, abort.signal);
  images = {
    opentofu: await countingImage(engine, 'opentofu', opentofu, abort.signal),
    pulumi: await countingImage(engine, 'pulumi', pulumi, abort.signal),
  };
  folder = await mkdtemp(join(tmpdir(), 'cancel-modules-'));
  [world, held, registry] = await Promise.all([
    startOutsideWorld(),
    startHeldEngine(engine),
    startStallingRegistry(),
  ]);
  system = await createLocalSystem({
    engine: { host: held.host, engine },
    env: {
      CLDCTL_DOCKER_SOCKET_GRANT: world.withoutNetwork.dockerSocket.path,
      CLDCTL_DOCKER_SLOTS: String(SLOTS),
      CLDCTL_MODULES_ROOT: folder,
      CLDCTL_REGISTRY: `${registry.address}/modules`,
    },
  });
  await system.startWorker();
}, 900_000);
afterAll(async () => {
  abort.abort();
  console.log('milliseconds from the request:', JSON.stringify(figures));
  await system?.close();
  await held?.close();
  await world?.close();
  await registry?.close();
  await rm(folder, { recursive: true, force: true });
});

function operation(
  stackId: string,
  image: string,
  more: Partial<OperationInput> = {},
): OperationInput {
  return {
    stackId,
    operation: 'apply',
    module: { image },
    inputs: { stack: stackId },
    environment: { ...world.withoutNetwork.environment, OUTSIDE_STACK: stackId },
    options: { dockerSocket: true },
    limits: { network: 'none', grace: '60s' },
    approval: { mode: 'auto', expiresIn: '1h' },
    ...more,
  };
}

async function endOf(started: StartedOperation): Promise<CodedError | OperationResult> {
  return system.client.result(started).catch((error: unknown) => {
    if (error instanceof CodedError) return error;
    throw error;
  });
}

async function inPhase(started: StartedOperation, phase: Phase): Promise<void> {
  await expect
    .poll(async () => (await system.client.state(started)).phase, { timeout: 120_000 })
    .toBe(phase);
}

/** Cancels and waits for the end; answers it with the milliseconds that it took. */
async function canceled(started: StartedOperation): Promise<{ end: CodedError; took: number }> {
  const from = Date.now();
  await system.client.cancel(started);
  const end = await endOf(started);
  expect(end).toMatchObject({ code: 'OperationCanceled' });
  return { end: end as CodedError, took: Date.now() - from };
}

/** Cancels while the tool is held, and gives the times at which SIGINT reached it, in milliseconds from the request. */
async function interrupted(
  started: StartedOperation,
  at: Held,
  what: string,
): Promise<{ end: CodedError; result: OperationResult | undefined }> {
  await at.reached;
  const before = world.count('interrupt', started.stackId);
  const from = Date.now();
  await system.client.cancel(started);
  const first = await world.waitFor(
    ({ op, name, time }) =>
      op === 'interrupt' && name === started.stackId && Date.parse(time) >= from,
  );
  figures[what] = Date.parse(first.time) - from;
  expect(figures[what], 'milliseconds from the request to the tool').toBeLessThan(SOON);
  // The provider is told to stop: it gives up what it was held in.
  const end = await endOf(started);
  at.release();
  expect(end).toMatchObject({ code: 'OperationCanceled' });
  expect(world.count('interrupt', started.stackId) - before, 'SIGINTs that reached the tool').toBe(
    1,
  );
  return {
    end: end as CodedError,
    result: (end as CodedError).detail?.['result'] as OperationResult | undefined,
  };
}

/** Nothing runs, and nothing binds the stack; what is left of a run that was killed stays a day, for a look at it. */
async function nothingRuns(stackId: string): Promise<void> {
  const filters = { label: [`dev.cldctl.stack-id=${stackId}`] };
  expect(await engine.docker.listContainers({ filters })).toEqual([]);
  expect((await system.client.stack(stackId)).openRun).toBeUndefined();
}

/** No container, running or not, and no volume is left of the stack, and nothing binds it. */
async function nothingLeft(stackId: string): Promise<void> {
  const filters = { label: [`dev.cldctl.stack-id=${stackId}`] };
  const containers = async (): Promise<string[]> =>
    (await engine.docker.listContainers({ all: true, filters })).map(({ Names }) => Names.join());
  await expect.poll(containers, { timeout: 20_000 }).toEqual([]);
  const volumes = async (): Promise<string[]> =>
    (await engine.docker.listVolumes({ filters })).Volumes.map(({ Name }) => Name);
  await expect.poll(volumes, { timeout: 20_000 }).toEqual([]);
  const record = await system.client.stack(stackId).catch((error: unknown) => {
    if ((error as CodedError).code === 'StackNotFound') return undefined;
    throw error;
  });
  expect(record?.openRun).toBeUndefined();
}

/** Tags of images that name a module's folder. */
async function tagsOf(module: string): Promise<string[]> {
  const listed = await engine.docker.listImages();
  return listed.flatMap(({ RepoTags }) => RepoTags ?? []).filter((tag) => tag.includes(module));
}

async function module(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  for (const [file, text] of Object.entries(files)) await writeFile(join(path, file), text);
  return basename(path);
}

const ofStack = (stackId: string): string[] =>
  world
    .things()
    .map(({ name }) => name)
    .filter((name) => name.startsWith(`${stackId}-`))
    .sort();
const done = (stackId: string, op: OutsideOperation): number[] =>
  NAMES.map((name) => world.count(op, `${stackId}-${name}`));

test('while the module is looked for', async () => {
  const stackId = uniqueStack('cancel-detect');
  held.hold();
  try {
    const started = await system.client.start(operation(stackId, images.opentofu));
    await inPhase(started, 'detect').catch(() => undefined);
    const { took } = await canceled(started);
    figures['detect, to the end of the operation'] = took;
    // A worker hears of it when it has to tell the server that its step goes on: before Temporal's 10 s for it are over.
    expect(took).toBeLessThan(12_000);
  } finally {
    held.release();
  }
  await nothingLeft(stackId);
});

test('during a build: its step is stopped, and there is no image and no tag', async () => {
  const stackId = uniqueStack('cancel-build');
  const seconds = `97.${stackId.slice(-6).replace(/\D/g, '7')}1`;
  const name = await module(stackId, {
    'main.tf': 'output "o" { value = 1 }\n',
    Dockerfile: `FROM cldctl-iac/opentofu\nRUN ["sleep", "${seconds}"]\n`,
  });
  const started = await system.client.start(
    operation(stackId, '', { module: { path: name }, options: {}, environment: {}, inputs: {} }),
  );
  const steps = async (): Promise<string> => {
    const store = await system.openStore();
    try {
      const { runId } = started;
      let text = '';
      for await (const chunk of readChunks(store, { stackId, runId }))
        text += chunk.lines.map(({ text: line }) => `${line}\n`).join('');
      return text;
    } finally {
      store.close();
    }
  };
  await expect.poll(steps, { timeout: 120_000 }).toContain(seconds);
  const { took } = await canceled(started);
  figures['build, to the end of the operation'] = took;
  expect(took).toBeLessThan(10_000);
  const running = async (): Promise<string[]> =>
    (await engine.docker.listContainers({ all: true }))
      .map(({ Command }) => Command)
      .filter((text) => text.includes(seconds));
  await expect.poll(running, { timeout: 20_000 }).toEqual([]);
  expect(await tagsOf(stackId)).toEqual([]);
  await nothingLeft(stackId);
});

test('during a push: the upload is broken off, and the registry never gets a name', async () => {
  const stackId = uniqueStack('cancel-push');
  const name = await module(stackId, { 'main.tf': 'output "o" { value = 1 }\n' });
  const started = await system.client.start(
    operation(stackId, '', { module: { path: name }, options: {}, environment: {}, inputs: {} }),
  );
  await registry.uploading;
  const { took } = await canceled(started);
  figures['push, to the end of the operation'] = took;
  expect(took).toBeLessThan(10_000);
  // An engine may not be able to take back the request that waits: what follows on its answer counts.
  registry.answer();
  await nothingLeft(stackId);
});

test('during a preview: one SIGINT, nothing is changed and no plan waits', async () => {
  const stackId = uniqueStack('cancel-preview');
  await endOf(await system.client.start(operation(stackId, images.opentofu)));
  expect(ofStack(stackId)).toHaveLength(3);
  const at = world.hold(`${stackId}-a`, 'read');
  const started = await system.client.start(
    operation(stackId, images.opentofu, { operation: 'destroy' }),
  );
  const { result } = await interrupted(started, at, 'preview, to the tool');
  expect(result?.planDigest).toBeUndefined();
  expect(done(stackId, 'delete')).toEqual([0, 0, 0]);
  await nothingLeft(stackId);
  // Nothing is locked: the same goes through now.
  const next = await endOf(
    await system.client.start(operation(stackId, images.opentofu, { operation: 'destroy' })),
  );
  expect(next).toMatchObject({ outcome: 'succeeded', receipt: { done: 3 } });
});

test.each(['opentofu', 'pulumi'] as const)(
  'during an apply of %s: one SIGINT, the state has what was done, and the next apply goes on from there',
  async (tool) => {
    const stackId = uniqueStack(`cancel-apply-${tool}`);
    const at = world.hold(`${stackId}-b`, 'create');
    const started = await system.client.start(operation(stackId, images[tool]));
    const { result } = await interrupted(started, at, `apply of ${tool}, to the tool`);
    expect(result?.receipt).toMatchObject({ unapproved: 0 });
    const { done: made = 0, failed = 0, not_reached: left = 0 } = result?.receipt ?? {};
    expect(made + failed + left).toBe(result?.summary?.create);
    expect(made).toBeGreaterThan(0);
    expect(left).toBeGreaterThan(0);
    expect(done(stackId, 'create')[2]).toBe(0);
    await nothingLeft(stackId);
    const next = await endOf(await system.client.start(operation(stackId, images[tool])));
    expect(next).toMatchObject({ outcome: 'succeeded', receipt: { failed: 0, unapproved: 0 } });
    expect(done(stackId, 'create')).toEqual([1, 1, 1]);
    expect(ofStack(stackId)).toEqual(NAMES.map((name) => `${stackId}-${name}`));
  },
);

test.each(['opentofu', 'pulumi'] as const)(
  'during a destroy by %s: one SIGINT, and the next destroy takes the rest away',
  async (tool) => {
    const stackId = uniqueStack(`cancel-destroy-${tool}`);
    await endOf(await system.client.start(operation(stackId, images[tool])));
    expect(ofStack(stackId)).toHaveLength(3);
    const at = world.hold(`${stackId}-b`, 'delete');
    const destroy = operation(stackId, images[tool], { operation: 'destroy' });
    const started = await system.client.start(destroy);
    const { result } = await interrupted(started, at, `destroy by ${tool}, to the tool`);
    expect(result?.receipt).toMatchObject({ unapproved: 0 });
    expect(result?.receipt?.not_reached).toBeGreaterThan(0);
    expect(done(stackId, 'delete')[0]).toBe(0);
    await nothingLeft(stackId);
    expect(await endOf(await system.client.start(destroy))).toMatchObject({
      outcome: 'succeeded',
      receipt: { failed: 0, unapproved: 0 },
    });
    expect(done(stackId, 'delete')).toEqual([1, 1, 1]);
    expect(ofStack(stackId)).toEqual([]);
  },
);

test('a tool that ignores it is killed after its grace, and that is told', async () => {
  const stackId = uniqueStack('cancel-stubborn');
  world.behave(`${stackId}-b`, 'create', { hang: true, ignore_cancel: true });
  const at = world.hold(`${stackId}-b`, 'create');
  const started = await system.client.start(
    operation(stackId, images.opentofu, { limits: { network: 'none', grace: '4s' } }),
  );
  await at.reached;
  at.release();
  await world.waitFor(({ name, event }) => name === `${stackId}-b` && event === 'begin');
  const from = Date.now();
  await system.client.cancel(started);
  const end = await endOf(started);
  expect(Date.now() - from).toBeLessThan(30_000);
  expect(end).toMatchObject({
    code: expect.stringMatching(/OperationCanceled|OutcomeUnknown/) as string,
  });
  expect(JSON.stringify((end as CodedError).toFailure())).toMatch(/grace/);
  expect(world.count('interrupt', stackId)).toBe(1);
  await nothingRuns(stackId);
  world.behave(`${stackId}-b`, 'create', undefined);
  const next = await approveWhenAsked(system.client, operation(stackId, images.opentofu));
  expect(next).toEqual({ end: 'succeeded', asked: true });
  await nothingLeft(stackId);
});

test('a kill acts at once while every slot for containers is taken', async () => {
  const stacks = Array.from({ length: SLOTS }, (_, index) => uniqueStack(`full-${index}`));
  const holds = stacks.map((stackId) => world.hold(`${stackId}-b`, 'create'));
  const started = [];
  for (const stackId of stacks)
    started.push(await system.client.start(operation(stackId, images.opentofu)));
  await Promise.all(holds.map(({ reached }) => reached));
  // One more waits for a slot: the queue of the containers is really full.
  const waitingId = uniqueStack('full-waits');
  const waiting = await system.client.start(operation(waitingId, images.opentofu));
  await inPhase(waiting, 'preview');
  const [victim, ...others] = started;
  const [container] = await system.containers(stacks[0] ?? '');
  const ended = engine.docker.getContainer(container?.id ?? '').wait();
  const from = Date.now();
  const { message } = await system.client.kill(victim ?? '', { reason: 'it hangs', by: 'ann' });
  await ended;
  figures['kill with full slots, to the end of the container'] = Date.now() - from;
  expect(Date.now() - from).toBeLessThan(SOON);
  expect(message).toContain('the next apply asks');
  expect(await endOf(victim as StartedOperation)).toMatchObject({ code: 'OutcomeUnknown' });
  for (const hold of holds) hold.release();
  await nothingRuns(stacks[0] ?? '');
  for (const other of [...others, waiting])
    expect(await endOf(other)).toMatchObject({ outcome: 'succeeded' });
  const next = await approveWhenAsked(system.client, operation(stacks[0] ?? '', images.opentofu));
  expect(next).toEqual({ end: 'succeeded', asked: true });
  for (const stackId of [...stacks, waitingId]) await nothingLeft(stackId);
});

test('the registry of the push that was cancelled has not been given a name since', () => {
  expect(registry.manifests()).toBe(0);
});

interface StallingRegistry {
  readonly address: string;
  /** Resolves when an engine wants to upload a layer, which has to wait. */
  readonly uploading: Promise<void>;
  /** From now on every upload is taken. */
  answer(): void;
  manifests(): number;
  close(): Promise<void>;
}

/** A registry that lets uploads wait. */
async function startStallingRegistry(): Promise<StallingRegistry> {
  let manifests = 0;
  let uploading = (): void => undefined;
  let answer = (): void => undefined;
  const asked = new Promise<void>((resolve) => (uploading = resolve));
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const server: Server = createServer((request, response) => {
    request.resume();
    const path = new URL(request.url ?? '/', 'http://registry').pathname;
    const uploads = path.replace(/uploads\/.*$/, 'uploads/1');
    if (request.method === 'PUT' && path.includes('/manifests/')) manifests += 1;
    if (request.method === 'POST') {
      uploading();
      void answered.then(() => response.writeHead(202, { Location: uploads }).end());
    } else if (request.method === 'PATCH') {
      request.once('end', () => response.writeHead(202, { Location: uploads }).end());
    } else if (request.method === 'PUT') response.writeHead(201).end();
    else response.writeHead(path === '/v2/' ? 200 : 404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    uploading: asked,
    answer,
    manifests: () => manifests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
