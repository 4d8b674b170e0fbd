/** An engine that goes away in the middle, and two engines on one store: nothing is made twice, and nothing ends unsaid. */
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type { OperationInput } from '../../src/contract/operation.js';
import { CodedError } from '../../src/errors.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { moduleImages } from '../table/module-image.js';
import { approveWhenAsked } from '../support/approve-when-asked.js';
import type { RunningCommand } from '../support/command.js';
import { createLocalSystem, uniqueStack, type LocalSystem } from '../support/local-system.js';
import { applyChain, CHAIN } from '../support/outside-modules.js';
import { outsideProviderMirror } from '../support/outside-provider.js';
import { startOutsideWorld, type OutsideWorld } from '../support/outside-world.js';
import { startOwnEngine, type OwnEngine } from '../support/own-engine.js';
import { testEngine } from '../support/test-engine.js';

const abort = new AbortController();
let world: OutsideWorld;
let own: OwnEngine;
let system: LocalSystem;
let worker: RunningCommand;
let image: string;

beforeAll(async () => {
  const shared = await testEngine();
  const { opentofu } = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['opentofu'],
    signal: abort.signal,
    report: () => undefined,
  });
  image = await moduleImages(
    shared,
    opentofu,
    await outsideProviderMirror(),
    abort.signal,
  )(CHAIN.opentofu);
  [world, own] = await Promise.all([startOutsideWorld(), startOwnEngine()]);
  await own.take(shared, image);
  system = await createLocalSystem({
    durable: true,
    engine: own,
    env: { CLDCTL_DOCKER_SOCKET_GRANT: world.withoutNetwork.dockerSocket.path },
  });
  worker = await system.startWorker();
}, 600_000);
afterAll(async () => {
  abort.abort();
  await system.close();
  await own.close();
  await world.close();
});

const operation = (stackId: string, more?: Partial<OperationInput>): OperationInput =>
  applyChain(world, stackId, image, more);

async function endOf(stackId: string): Promise<string> {
  return system.client.result(stackId).then(
    ({ outcome }) => outcome,
    (error: unknown) =>
      error instanceof CodedError ? `${error.code}: ${error.message}` : String(error),
  );
}

const made = (stackId: string, name: 'a' | 'b' | 'c'): number =>
  world.count('create', `${stackId}-${name}`);

test('an engine that is restarted during a preview: the preview runs again, and the plan is carried out', async () => {
  const stackId = uniqueStack('preview');
  await system.client.start(operation(stackId));
  expect(await endOf(stackId)).toBe('succeeded');
  const held = world.hold(`${stackId}-a`, 'read');
  await system.client.start(operation(stackId, { operation: 'destroy' }));
  await held.reached;
  await own.kill();
  // Held until the engine is back: a container that ends at the very moment of its return is a race within Docker.
  await own.start();
  held.release();
  expect(await endOf(stackId)).toBe('succeeded');
  expect(world.namesOf(stackId)).toEqual([]);
  expect(world.count('delete', `${stackId}-a`)).toBe(1);
});

test('an engine that is stopped during an apply stops the tool in order: what was done is told, the next apply goes on', async () => {
  const stackId = uniqueStack('stopped');
  world.behave(`${stackId}-b`, 'create', { seconds: 60 });
  await system.client.start(operation(stackId));
  await world.waitFor(({ name, event }) => name === `${stackId}-b` && event === 'begin');
  await own.stop();
  world.behave(`${stackId}-b`, 'create', undefined);
  await own.start();
  const first = await endOf(stackId);
  expect(first).toMatch(/^ModuleFailed: /);
  expect([made(stackId, 'a'), made(stackId, 'b'), made(stackId, 'c')]).toEqual([1, 0, 0]);
  await system.client.start(operation(stackId));
  expect(await endOf(stackId)).toMatch(/^(succeeded|no-changes)$/);
  expect(world.namesOf(stackId)).toEqual(['a', 'b', 'c'].map((name) => `${stackId}-${name}`));
  expect([made(stackId, 'a'), made(stackId, 'b'), made(stackId, 'c')]).toEqual([1, 1, 1]);
});

test('an engine that crashes during an apply: the loss is told, and an operation finds out what there is', async () => {
  const stackId = uniqueStack('crashed');
  const held = world.hold(`${stackId}-b`, 'create');
  await system.client.start(operation(stackId));
  await held.reached;
  await own.kill();
  await own.start();
  held.release();
  const first = await endOf(stackId);
  expect(first).toMatch(/^(OutcomeUnknown|ModuleFailed): /);
  expect(made(stackId, 'a')).toBe(1);
  const next = await approveWhenAsked(system.client, operation(stackId));
  expect(next).toEqual({ end: 'succeeded', asked: first.startsWith('OutcomeUnknown') });
  expect(world.namesOf(stackId)).toContain(`${stackId}-b`);
  await expect
    .poll(async () => (await system.containers(stackId)).length, { timeout: 30_000 })
    .toBe(0);
});

test('a stack that is bound to a run on one engine is touched by no other until that run is settled', async () => {
  const stackId = uniqueStack('bound');
  const held = world.hold(`${stackId}-b`, 'create');
  const started = await system.client.start(operation(stackId));
  await held.reached;
  worker.signal('SIGKILL');
  await worker.done;
  const connection = await Connection.connect({ address: system.address });
  try {
    const { workflow } = new Client({ connection });
    await workflow.getHandle(started.workflowId, started.runId).terminate('the test');

    const elsewhere = await system.startWorker({
      DOCKER_HOST: (await testEngine()).host,
    });
    const again = await system.client.start(operation(stackId));
    const queues = async (): Promise<string[]> => {
      const { raw } = await workflow.getHandle(again.workflowId).describe();
      return (raw.pendingActivities ?? []).map(
        ({ activityType, state }) => `${activityType?.name} ${state}`,
      );
    };
    // Scheduled, and nobody takes it: the other engine's worker serves another queue.
    await expect.poll(queues, { timeout: 30_000 }).toEqual(['settle 1']);
    held.release();
    await world.waitFor(({ name, event }) => name === `${stackId}-c` && event === 'done');
    expect(await queues()).toEqual(['settle 1']);
    worker = await system.startWorker();
    expect(await endOf(stackId)).toMatch(/^(succeeded|no-changes)$/);
    expect(world.namesOf(stackId)).toEqual(['a', 'b', 'c'].map((name) => `${stackId}-${name}`));
    expect([made(stackId, 'a'), made(stackId, 'b'), made(stackId, 'c')]).toEqual([1, 1, 1]);
    elsewhere.signal('SIGTERM');
  } finally {
    await connection.close();
  }
});

test('a container that is killed during a preview is followed by another one', async () => {
  const stackId = uniqueStack('shot');
  await system.client.start(operation(stackId));
  expect(await endOf(stackId)).toBe('succeeded');
  const held = world.hold(`${stackId}-a`, 'read');
  await system.client.start(operation(stackId, { operation: 'destroy' }));
  await held.reached;
  const [running] = await own.engine.docker.listContainers();
  await own.engine.docker.getContainer(running?.Id ?? '').kill();
  held.release();
  expect(await endOf(stackId)).toBe('succeeded');
  expect(world.namesOf(stackId)).toEqual([]);
});
