/** A container that vanishes during a run whose state is in PostgreSQL or S3: its dead lock, what is in no state, and how it goes on. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Receipt } from '../../src/contract/change.js';
import type { OperationInput } from '../../src/contract/operation.js';
import { connectEngine, type Engine } from '../../src/docker/engine.js';
import type { CodedError } from '../../src/errors.js';
import { command, type RunningCommand } from '../support/command.js';
import { createLocalSystem, uniqueStack, type LocalSystem } from '../support/local-system.js';
import {
  failureOf,
  loseContainer,
  removeContainer,
  runInVolume,
  shortName,
  statuses,
} from '../support/lose-container.js';
import {
  applyChainOverNetwork,
  CHAIN,
  NAMES,
  outsideModuleImages,
  TOOLS,
  type Tool,
} from '../support/outside-modules.js';
import { startOutsideWorld, type OutsideWorld } from '../support/outside-world.js';
import { STATE_SERVERS, startStateServers, type StateServers } from '../support/state-servers.js';
import { lostDestroyCases, lostImportCases, type LostPlace } from './lost-cases.js';

const abort = new AbortController();
let engine: Engine;
let world: OutsideWorld;
let servers: StateServers;
let images: Record<Tool, string>;

beforeAll(async () => {
  engine = await connectEngine({ environment: process.env });
  world = await startOutsideWorld();
  images = await outsideModuleImages(engine, CHAIN, abort.signal);
  servers = await startStateServers(engine, abort.signal);
}, 900_000);
afterAll(async () => {
  abort.abort();
  await servers.close();
  await world.close();
});

describe.each(STATE_SERVERS)('state in %s', (kind) => {
  let system: LocalSystem;
  beforeAll(async () => {
    system = await createLocalSystem({ env: { CLDCTL_STATE_URL: servers.urls[kind] } });
    await system.startWorker();
  });
  afterAll(() => system.close());

  describe.each(TOOLS)('%s', (tool) => {
    const stackId = uniqueStack(`lost-${kind}-${tool}`);
    const apply = (): OperationInput => applyChainOverNetwork(world, stackId, images[tool]);
    const made = (): number[] => NAMES.map((name) => world.count('create', `${stackId}-${name}`));
    let lost: CodedError;

    test('the run says what it did, and where its state is', async () => {
      const held = world.hold(`${stackId}-b`, 'create');
      const started = await system.client.start(apply());
      await held.reached;
      await loseContainer(system, stackId, 'b');
      held.release();
      lost = await failureOf(system, started);
      expect(lost.code).toBe('OutcomeUnknown');
      expect(lost.message).toContain('its state is in the backend');
      expect(made()).toEqual([1, 0, 0]);
      expect(statuses(lost.detail?.['receipt'] as Receipt)).toEqual({
        a: 'done',
        b: 'failed, it began and did not end',
        c: 'unknown',
      });
      const { lostRun, openRun } = await system.client.stack(stackId);
      expect(openRun).toBeUndefined();
      expect(lostRun?.open?.map(({ resource }) => shortName(resource))).toEqual(['b']);
      expect(JSON.stringify(lost.toFailure())).not.toMatch(/hunter2/);
    });

    test('another apply releases the lock of the dead container, shows what is in no state, and waits for a person', async () => {
      const started = await system.client.startAndWaitPlan(apply());
      expect(started.ready.phase).toBe('awaiting-approval');
      const plan = await system.client.plan(started);
      expect(plan?.lostRun).toMatchObject({ message: lost.message });
      // OpenTofu has written no state yet; Pulumi's has the first thing.
      expect((plan?.lostRun?.untracked ?? []).map(shortName)).toEqual(
        tool === 'opentofu' ? ['a'] : [],
      );
      expect(plan?.summary.create).toBe(tool === 'opentofu' ? 3 : 2);
      const { planDigest = '' } = started.ready;
      await system.client.reject(started, { planDigest, by: 'ann' });
      expect(await system.client.result(started)).toMatchObject({ outcome: 'rejected' });
      expect(made()).toEqual([1, 0, 0]);
    });

    test('a resume goes on when a person approves, and all is there, once', async () => {
      const resumed = await system.client.resume(stackId);
      const { planDigest = '' } = await system.client.waitPlan(resumed);
      // The person does as is said: what is in no state is removed.
      if (tool === 'opentofu') world.remove(`${stackId}-a`);
      await system.client.approve(resumed, { planDigest, by: 'ann' });
      expect(await system.client.result(resumed)).toMatchObject({
        outcome: 'succeeded',
        receipt: { failed: 0, not_reached: 0, unapproved: 0 },
      });
      expect(world.namesOf(stackId)).toEqual(NAMES.map((name) => `${stackId}-${name}`));
      expect((await system.client.stack(stackId)).lostRun).toBeUndefined();
      const next = { ...apply(), approval: { mode: 'on-changes' as const, expiresIn: '1h' } };
      const again = await system.client.start(next);
      expect(await system.client.result(again)).toMatchObject({ outcome: 'no-changes' });
    });

    const place: LostPlace = {
      name: `${kind}-${tool}`,
      tool,
      get system() {
        return system;
      },
      get world() {
        return world;
      },
      operation: (id, more) => applyChainOverNetwork(world, id, images[tool], more),
    };
    describe('its container removed during a destroy', () => lostDestroyCases(place));
    describe('its container removed during an import', () => lostImportCases(place));
  });
});

describe('an S3 server that goes away during an apply', () => {
  let system: LocalSystem;
  let worker: RunningCommand;
  beforeAll(async () => {
    system = await createLocalSystem({ env: { CLDCTL_STATE_URL: servers.urls.s3 } });
    worker = await system.startWorker();
  });
  afterAll(() => system.close());

  const apply = (stackId: string): OperationInput =>
    applyChainOverNetwork(world, stackId, images.opentofu);

  /** The state that the message says is kept, and what a person who looks at the next plan is told. */
  async function keptAndTold(stackId: string, lost: CodedError): Promise<void> {
    const [, version = ''] = /cldctl-iac state export \S+ (\d+)/.exec(lost.message) ?? [];
    const kept = await command(['state', 'export', stackId, version], { env: system.env });
    const state = JSON.parse(kept.stdout) as { resources: { name: string }[] };
    expect(state.resources.map(({ name }) => name).sort()).toEqual([...NAMES]);
    const started = await system.client.startAndWaitPlan(apply(stackId));
    expect(started.ready.phase).toBe('awaiting-approval');
    const plan = await system.client.plan(started);
    expect([...(plan?.lostRun?.untracked ?? [])].map(shortName).sort()).toEqual([...NAMES]);
    const { planDigest = '' } = started.ready;
    await system.client.reject(started, { planDigest, by: 'ann' });
    await system.client.result(started);
    expect(NAMES.map((name) => world.count('create', `${stackId}-${name}`))).toEqual([1, 1, 1]);
  }

  test('the state that could not be written there is kept in the store, and the next apply asks', async () => {
    const stackId = uniqueStack('unwritten');
    const held = world.hold(`${stackId}-c`, 'create');
    const started = await system.client.start(apply(stackId));
    await held.reached;
    await servers.stopS3();
    held.release();
    const lost = await failureOf(system, started);
    await servers.startS3();
    expect(lost.code).toBe('StateDamaged');
    await keptAndTold(stackId, lost);
  });

  test('also when the container is removed with its answer before a worker has seen it', async () => {
    const stackId = uniqueStack('unwritten');
    const held = world.hold(`${stackId}-c`, 'create');
    const started = await system.client.start(apply(stackId));
    await held.reached;
    worker.signal('SIGKILL');
    await worker.done;
    await servers.stopS3();
    held.release();
    const [found] = await system.containers(stackId);
    await engine.docker.getContainer(found?.id ?? '').wait();
    const volume = await removeContainer(system, stackId);
    await runInVolume(engine, images.opentofu, volume, ['rm', '/workspace/answer.sealed']);
    await servers.startS3();
    worker = await system.startWorker();
    const lost = await failureOf(system, started);
    expect(lost.code).toBe('OutcomeUnknown');
    await keptAndTold(stackId, lost);
  });
});
