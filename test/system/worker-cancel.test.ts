/** A cancel while a tool runs, through a real worker: how soon the tool hears of it, and what is left. Before that: `early-phases.test.ts`. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StartedOperation } from '../../src/client/index.js';
import type { OperationInput, OperationResult, Phase } from '../../src/contract/operation.js';
import type { Engine } from '../../src/docker/engine.js';
import { CodedError } from '../../src/errors.js';
import { countingImage } from '../support/counting-image.js';
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
let world: OutsideWorld;
let system: LocalSystem;
let images: { opentofu: string; pulumi: string };

beforeAll(async () => {
  engine = await testEngine();
  const { opentofu, pulumi } = await outsideModuleImages(engine, CHAIN, abort.signal);
  images = {
    opentofu: await countingImage(engine, 'opentofu', opentofu, abort.signal),
    pulumi: await countingImage(engine, 'pulumi', pulumi, abort.signal),
  };
  world = await startOutsideWorld();
  system = await createLocalSystem({
    env: {
      CLDCTL_DOCKER_SOCKET_GRANT: world.withoutNetwork.dockerSocket.path,
      CLDCTL_DOCKER_SLOTS: String(SLOTS),
    },
  });
  await system.startWorker();
}, 900_000);
afterAll(async () => {
  abort.abort();
  console.log('milliseconds from the request:', JSON.stringify(figures));
  await system?.close();
  await world?.close();
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

const done = (stackId: string, op: OutsideOperation): number[] =>
  NAMES.map((name) => world.count(op, `${stackId}-${name}`));

test('during a preview: one SIGINT, nothing is changed and no plan waits', async () => {
  const stackId = uniqueStack('cancel-preview');
  await endOf(await system.client.start(operation(stackId, images.opentofu)));
  expect(world.namesOf(stackId)).toHaveLength(3);
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
    expect(world.namesOf(stackId)).toEqual(NAMES.map((name) => `${stackId}-${name}`));
  },
);

test.each(['opentofu', 'pulumi'] as const)(
  'during a destroy by %s: one SIGINT, and the next destroy takes the rest away',
  async (tool) => {
    const stackId = uniqueStack(`cancel-destroy-${tool}`);
    await endOf(await system.client.start(operation(stackId, images[tool])));
    expect(world.namesOf(stackId)).toHaveLength(3);
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
    expect(world.namesOf(stackId)).toEqual([]);
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
