/** A container that vanishes in the middle of what it does: what is told, who is asked, and how it goes on. The outside world is counted. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StartedOperation } from '../../src/client/index.js';
import type { Receipt } from '../../src/contract/change.js';
import type { OperationInput } from '../../src/contract/operation.js';
import { packArchive } from '../../src/docker/archive.js';
import { buildImage } from '../../src/docker/build.js';
import type { CodedError } from '../../src/errors.js';
import { mutationName } from '../../src/operation/container-names.js';
import { openAttempt } from '../../src/stack/attempt-store.js';
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
  applyChain,
  CHAIN,
  NAMES,
  outsideModuleImages,
  type Tool,
} from '../support/outside-modules.js';
import { startOutsideWorld, type OutsideWorld } from '../support/outside-world.js';

const abort = new AbortController();
let world: OutsideWorld;
let system: LocalSystem;
let worker: RunningCommand;
let images: Record<Tool | 'late', string>;

beforeAll(async () => {
  world = await startOutsideWorld();
  system = await createLocalSystem({
    durable: true,
    env: { CLDCTL_DOCKER_SOCKET_GRANT: world.withoutNetwork.dockerSocket.path },
  });
  const made = await outsideModuleImages(system.engine, CHAIN, abort.signal);
  images = { ...made, late: await lateImage(made.opentofu) };
  worker = await system.startWorker();
}, 600_000);
afterAll(async () => {
  abort.abort();
  await system.close();
  await world.close();
});

/** An image whose tool is asked for its version before a plan is carried out, and takes its time with that. */
async function lateImage(from: string): Promise<string> {
  const script =
    '#!/bin/sh\\nif [ "$1" = version ] && [ -f /workspace/journal.ndjson ]; then touch /workspace/late; sleep 60; fi\\nexec tofu-real "$@"\\n';
  const dockerfile = [
    `FROM ${from}`,
    'USER 0:0',
    `RUN rm /opt/cldctl/tool-version && place=$(command -v tofu) && mv $place $(dirname $place)/tofu-real && printf '${script}' > $place && chmod 755 $place`,
    'USER 10001:10001',
    '',
  ].join('\n');
  const tag = `cldctl-test/late:${createHash('sha256').update(dockerfile).digest('hex').slice(0, 12)}`;
  const context = await packArchive([
    { name: 'Dockerfile', bytes: dockerfile, mode: 0o644, uid: 0, gid: 0 },
  ]);
  await buildImage(
    system.engine,
    { context, dockerfile: 'Dockerfile', tags: [tag] },
    { signal: abort.signal },
  );
  return tag;
}

const apply = (stackId: string, image: string): OperationInput => applyChain(world, stackId, image);

/** Starts an apply and takes its container away while `b` is being made. */
async function losing(stackId: string, image: string): Promise<CodedError> {
  const held = world.hold(`${stackId}-b`, 'create');
  const started = await system.client.start(apply(stackId, image));
  await held.reached;
  await loseContainer(system, stackId, 'b');
  held.release();
  return failureOf(system, started);
}

const made = (stackId: string): number[] =>
  NAMES.map((name) => world.count('create', `${stackId}-${name}`));

describe.each(['opentofu', 'pulumi'] as const)(
  '%s, its container removed during an apply',
  (tool) => {
    const stackId = uniqueStack(`lost-${tool}`);
    let lost: CodedError;

    test('the run says what it did, what may be there, and what it did not reach', async () => {
      lost = await losing(stackId, images[tool]);
      expect(lost.code).toBe('OutcomeUnknown');
      expect(made(stackId)).toEqual([1, 0, 0]);
      expect(statuses(lost.detail?.['receipt'] as Receipt)).toEqual({
        a: 'done',
        b: 'failed, it began and did not end',
        c: 'unknown',
      });
      const open = lost.detail?.['open'] as { resource: string }[];
      expect(open.map(({ resource }) => shortName(resource))).toEqual(['b']);
      // OpenTofu has written no state yet; Pulumi's has the first thing.
      const untracked = lost.detail?.['untracked'] as string[];
      expect(untracked.map(shortName)).toEqual(tool === 'opentofu' ? ['a'] : []);
      const { lostRun, openRun, operations } = await system.client.stack(stackId);
      expect(openRun).toBeUndefined();
      expect(operations).toMatchObject([{ outcome: 'OutcomeUnknown' }]);
      expect(lostRun).toMatchObject({ operation: 'apply', message: lost.message });
      expect(statuses(lostRun?.receipt)).toEqual(statuses(lost.detail?.['receipt'] as Receipt));
    });

    test('the status says so, and how to go on', async () => {
      const status = await command(['status', stackId], { env: system.env });
      expect(status.stdout).toContain('Lost run');
      expect(status.stdout).toContain(`cldctl-iac resume ${stackId}`);
      const json = await command(['status', stackId, '--json'], { env: system.env });
      expect(JSON.parse(json.stdout)).toMatchObject({ stack: { lostRun: { operation: 'apply' } } });
    });

    test('an apply with approval auto waits for a person, and makes nothing before', async () => {
      const started = await system.client.startAndWaitPlan(apply(stackId, images[tool]));
      expect(started.ready.phase).toBe('awaiting-approval');
      expect(await system.client.plan(started)).toMatchObject({
        lostRun: { message: lost.message },
      });
      await system.client.reject(started, {
        planDigest: started.ready.planDigest ?? '',
        by: 'ann',
      });
      expect(await system.client.result(started)).toMatchObject({ outcome: 'rejected' });
      expect(made(stackId)).toEqual([1, 0, 0]);
      expect((await system.client.stack(stackId)).lostRun).toBeDefined();
    });

    test('a resume shows what was lost and its plan, goes on when a person approves, and all is there', async () => {
      const waiting = await command(['resume', stackId, '--until', 'plan'], { env: system.env });
      expect(waiting.stderr).toContain('waiting for a decision');
      expect(waiting.exitCode).toBe(0);
      expect(waiting.stdout).toContain('Lost: the apply of');
      expect(waiting.stdout).toMatch(/done +create +\S*a$/m);
      expect(waiting.stdout).toContain('there or not');
      expect(waiting.stdout).toContain('These changes will be made:');
      expect(made(stackId)).toEqual([1, 0, 0]);
      const approved = await command(
        ['approve', stackId, '--wait', '--plan', await waitingPlan(stackId)],
        {
          env: system.env,
        },
      );
      expect(approved.exitCode).toBe(0);
      expect(world.namesOf(stackId)).toEqual(
        expect.arrayContaining(NAMES.map((name) => `${stackId}-${name}`)),
      );
      expect((await system.client.stack(stackId)).lostRun).toBeUndefined();
      const next = await system.client.start(apply(stackId, images[tool]));
      expect(await system.client.result(next)).toMatchObject({ outcome: 'no-changes' });
    });

    test('there is nothing to resume any more', async () => {
      const again = await command(['resume', stackId], { env: system.env });
      expect(again.exitCode).toBe(2);
      expect(again.stderr).toContain(`no run of stack ${stackId} was lost`);
    });
  },
);

async function waitingPlan(stackId: string): Promise<string> {
  const { planDigest = '' } = await system.client.state(stackId);
  return planDigest.replace('sha256:', '').slice(0, 16);
}

test('a tool that is killed while its container lives: what is in no state is named, and the next apply asks', async () => {
  const stackId = uniqueStack('lost-tool');
  const held = world.hold(`${stackId}-b`, 'create');
  const started = await system.client.start(apply(stackId, images.opentofu));
  await held.reached;
  const [container] = await system.containers(stackId);
  const kill =
    'for p in /proc/[0-9]*; do [ "$(cat $p/comm)" != tofu ] || kill -9 ${p#/proc/}; done';
  const exec = await system.engine.docker
    .getContainer(container?.id ?? '')
    .exec({ Cmd: ['sh', '-c', kill] });
  await exec.start({ Detach: true });
  expect((await failureOf(system, started)).code).toBe('OutcomeUnknown');
  held.release();
  const { lostRun } = await system.client.stack(stackId);
  expect(lostRun?.untracked).toEqual(['outside_thing.a']);
  const next = await system.client.startAndWaitPlan(apply(stackId, images.opentofu));
  expect(next.ready.phase).toBe('awaiting-approval');
  await system.client.reject(next, { planDigest: next.ready.planDigest ?? '', by: 'ann' });
  await system.client.result(next);
  expect(made(stackId)).toEqual([1, 0, 0]);
});

test('a worker that dies between the mark of a run and its container: what an earlier run left there is not taken for this one', async () => {
  const stackId = uniqueStack('lost-place');
  const held = world.hold(`${stackId}-b`, 'create');
  const started = await system.client.start(apply(stackId, images.opentofu));
  await held.reached;
  const [container] = await system.containers(stackId);
  await system.engine.docker.getContainer(container?.id ?? '').kill();
  held.release();
  expect((await failureOf(system, started)).code).toBe('OutcomeUnknown');
  const next = await system.client.startAndWaitPlan(apply(stackId, images.opentofu));
  const { workflowId, runId, ready } = next;
  const { planDigest = '' } = ready;
  const store = await system.openStore();
  await openAttempt(store, stackId, {
    planDigest,
    dockerId: system.engine.id,
    containerName: mutationName(store.installation, stackId),
    operation: 'apply',
    workflowId,
    runId,
    at: new Date().toISOString(),
  });
  store.close();
  await system.client.approve(next, { planDigest, by: 'ann' });
  expect(await system.client.result(next)).toMatchObject({ outcome: 'succeeded' });
  // The first was approved to be made again.
  expect(made(stackId)).toEqual([2, 1, 1]);
});

test('a container that was removed before the tool changed anything: not done, and the next apply goes on by itself', async () => {
  const stackId = uniqueStack('lost-early');
  const started = await system.client.start(apply(stackId, images.late));
  const { docker } = system.engine;
  const isLate = async (): Promise<boolean> => {
    const [container] = await system.containers(stackId);
    if (container === undefined) return false;
    return docker
      .getContainer(container.id)
      .infoArchive({ path: '/workspace/late' })
      .then(
        () => true,
        () => false,
      );
  };
  await expect.poll(isLate, { timeout: 60_000 }).toBe(true);
  await removeContainer(system, stackId);
  const error = await failureOf(system, started);
  expect(error).toMatchObject({ code: 'ContainerLost' });
  expect(error.message).toContain('nothing was done');
  expect((await system.client.stack(stackId)).lostRun).toBeUndefined();
  const next = await system.client.start(apply(stackId, images.opentofu));
  expect(await system.client.result(next)).toMatchObject({ outcome: 'succeeded' });
  expect(made(stackId)).toEqual([1, 1, 1]);
});

describe('a container that ended while no worker ran, and was then removed', () => {
  /** Lets an apply end without a worker, then takes its container away. */
  async function ending(stackId: string): Promise<StartedOperation> {
    const held = world.hold(`${stackId}-c`, 'create');
    const started = await system.client.start(apply(stackId, images.opentofu));
    await held.reached;
    worker.signal('SIGKILL');
    await worker.done;
    held.release();
    const [container] = await system.containers(stackId);
    await system.engine.docker.getContainer(container?.id ?? '').wait();
    return started;
  }

  test('the sealed answer in its volume is the result', async () => {
    const stackId = uniqueStack('lost-answered');
    const started = await ending(stackId);
    await removeContainer(system, stackId);
    worker = await system.startWorker();
    expect(await system.client.result(started)).toMatchObject({
      outcome: 'succeeded',
      receipt: { done: 3, unapproved: 0 },
    });
    expect(made(stackId)).toEqual([1, 1, 1]);
    expect((await system.client.stack(stackId)).state).toMatchObject({ version: 1 });
  });

  test('without the answer the journal proves what was done, and nothing has to be asked', async () => {
    const stackId = uniqueStack('lost-answer');
    const started = await ending(stackId);
    const volume = await removeContainer(system, stackId);
    await runInVolume(system.engine, images.opentofu, volume, ['rm', '/workspace/answer.sealed']);
    worker = await system.startWorker();
    const error = await failureOf(system, started);
    expect(error).toMatchObject({ code: 'ContainerLost' });
    expect(statuses(error.detail?.['receipt'] as Receipt)).toEqual({
      a: 'done',
      b: 'done',
      c: 'done',
    });
    const next = await system.client.start(apply(stackId, images.opentofu));
    expect(await system.client.result(next)).toMatchObject({ outcome: 'no-changes' });
    expect(made(stackId)).toEqual([1, 1, 1]);
  });
});
