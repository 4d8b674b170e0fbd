import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StartedOperation } from '../../src/client/index.js';
import type { OperationInput, OperationResult, Phase } from '../../src/contract/operation.js';
import type { RunningCommand } from '../support/command.js';
import { failureOf } from '../support/lose-container.js';
import { scriptedImage } from '../support/scripted-image.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';

/** Three resources in a row; the middle one takes as long as it is told. */
const SLOW = `
variable "seconds" { type = number }
resource "terraform_data" "before" { input = 1 }
resource "terraform_data" "slow" {
  depends_on = [terraform_data.before]
  provisioner "local-exec" { command = "sleep \${var.seconds}" }
}
resource "terraform_data" "after" { depends_on = [terraform_data.slow] }
`;

let system: LocalSystem;
let worker: RunningCommand;
let image: string;

beforeAll(async () => {
  system = await createLocalSystem({ durable: true });
  image = await tofuModule(system.engine, SLOW);
  worker = await system.startWorker();
});
afterAll(() => system.close());

const apply = (stackId: string, seconds: number): OperationInput => ({
  stackId,
  operation: 'apply',
  module: { image },
  inputs: { seconds },
  limits: { network: 'none' },
  approval: { mode: 'auto', expiresIn: '1h' },
});

async function inPhase(started: StartedOperation, phase: Phase): Promise<void> {
  for await (const state of system.client.follow(started, { interval: 100 })) {
    if (state.phase === phase) return;
  }
  throw new Error(`it ended before phase ${phase}`);
}

/** Starts an apply and waits until its slow resource is being made. */
async function applying(stackId: string, seconds: number): Promise<StartedOperation> {
  const started = await system.client.start(apply(stackId, seconds));
  await inPhase(started, 'apply');
  await expect
    .poll(
      async () => {
        const [container] = await system.containers(stackId);
        if (container === undefined) return '';
        const log = await system.engine.docker
          .getContainer(container.id)
          .logs({ stdout: true, stderr: true });
        return log.toString('utf8');
      },
      { timeout: 30_000 },
    )
    .toContain('terraform_data.slow: Provisioning');
  return started;
}

test('a cancel stops the tool with its state saved, and says what was done and what was not', async () => {
  const stackId = uniqueStack('cancel');
  const started = await applying(stackId, 60);
  const from = performance.now();
  await system.client.cancel(started);
  const error = await failureOf(system, started);
  expect(performance.now() - from).toBeLessThan(15_000);
  expect(error.code).toBe('OperationCanceled');
  const result = error.detail?.['result'] as OperationResult;
  expect(result.receipt).toMatchObject({ done: 1, not_reached: 1, unapproved: 0 });
  const statuses = Object.fromEntries(
    (result.receipt?.entries ?? []).map(({ resource, status }) => [resource, status]),
  );
  expect(statuses).toMatchObject({
    'terraform_data.before': 'done',
    'terraform_data.after': 'not-reached',
  });
  const record = await system.client.stack(stackId);
  expect(record.operations).toMatchObject([{ outcome: 'OperationCanceled' }]);
  expect(record.openRun).toBeUndefined();
  // What was done is known: the next apply goes on from there.
  const next = await system.client.result(await system.client.start(apply(stackId, 0)));
  expect(next).toMatchObject({ outcome: 'succeeded', receipt: { failed: 0 } });
  expect(next.summary?.create ?? 0).toBeLessThan(3);
});

test('a preview beside a running apply waits for nothing and leaves it alone', async () => {
  const stackId = uniqueStack('beside');
  const started = await applying(stackId, 60);
  const before = await system.containers(stackId);
  const look = await system.client.start({ ...apply(stackId, 0), operation: 'preview' });
  expect(await system.client.result(look)).toMatchObject({ outcome: 'succeeded' });
  expect(await system.containers(stackId)).toEqual(before);
  expect(before[0]?.state).toBe('running');
  await system.client.cancel(started);
  const result = (await failureOf(system, started)).detail?.['result'] as OperationResult;
  expect(result.receipt).toMatchObject({ done: 1, not_reached: 1, unapproved: 0 });
});

test.each(['pause', 'reset'] as const)(
  'an activity that somebody %ss in the UI lets go of the container, and the next try adopts it',
  async (what) => {
    const stackId = uniqueStack(what);
    const started = await applying(stackId, 15);
    const [before] = await system.containers(stackId);
    const connection = await Connection.connect({ address: system.address });
    try {
      const { workflowService } = connection;
      const named = {
        namespace: 'default',
        execution: { workflowId: started.workflowId, runId: started.runId },
        type: 'execute',
        identity: 'ann',
      };
      const attempts = async (): Promise<number> => {
        const { raw } = await new Client({ connection }).workflow
          .getHandle(started.workflowId, started.runId)
          .describe();
        return raw.pendingActivities?.[0]?.attempt ?? 0;
      };
      const first = await attempts();
      if (what === 'pause') {
        await workflowService.pauseActivity(named);
        const paused = async (): Promise<boolean> => {
          const { raw } = await new Client({ connection }).workflow
            .getHandle(started.workflowId, started.runId)
            .describe();
          return raw.pendingActivities?.[0]?.paused === true;
        };
        await expect.poll(paused, { timeout: 20_000 }).toBe(true);
        await workflowService.unpauseActivity(named);
      } else {
        await workflowService.resetActivity(named);
      }
      expect(first).toBe(1);
      expect((await system.containers(stackId))[0]).toEqual({ id: before?.id, state: 'running' });
    } finally {
      await connection.close();
    }
    const result = await system.client.result(started);
    expect(result).toMatchObject({ outcome: 'succeeded', receipt: { done: 3, unapproved: 0 } });
    expect((await system.client.stack(stackId)).operations).toHaveLength(1);
  },
);

test('a worker that is killed is followed by one that adopts the container', async () => {
  const stackId = uniqueStack('killed');
  const started = await applying(stackId, 12);
  const [before] = await system.containers(stackId);
  worker.signal('SIGKILL');
  await worker.done;
  expect((await system.containers(stackId))[0]).toEqual({ id: before?.id, state: 'running' });
  worker = await system.startWorker();
  const result = await system.client.result(started);
  expect(result).toMatchObject({ outcome: 'succeeded', receipt: { done: 3, unapproved: 0 } });
  expect((await system.client.stack(stackId)).operations).toHaveLength(1);
});

test('a worker that is told to stop ends at once and lets the container go on', async () => {
  const stackId = uniqueStack('stopped');
  const started = await applying(stackId, 12);
  const [before] = await system.containers(stackId);
  const from = performance.now();
  worker.signal('SIGTERM');
  expect((await worker.done).exitCode).toBe(0);
  expect(performance.now() - from).toBeLessThan(5000);
  expect((await system.containers(stackId))[0]).toEqual({ id: before?.id, state: 'running' });
  worker = await system.startWorker();
  expect(await system.client.result(started)).toMatchObject({
    outcome: 'succeeded',
    receipt: { done: 3 },
  });
});

test('a container that ended while no worker ran is collected, not started again', async () => {
  const stackId = uniqueStack('ended');
  const started = await applying(stackId, 4);
  const [before] = await system.containers(stackId);
  worker.signal('SIGKILL');
  await worker.done;
  await system.engine.docker.getContainer(before?.id ?? '').wait();
  worker = await system.startWorker();
  expect(await system.client.result(started)).toMatchObject({
    outcome: 'succeeded',
    receipt: { done: 3 },
  });
});

test('kill forces the container to end, and the outcome is told as unknown', async () => {
  const stackId = uniqueStack('kill');
  const started = await applying(stackId, 60);
  const { message } = await system.client.kill(started, { reason: 'it hangs', by: 'ann' });
  expect(message).toContain('the next apply asks');
  const error = await failureOf(system, started);
  expect(error.code).toBe('OutcomeUnknown');
  expect((await system.client.stack(stackId)).openRun).toBeUndefined();
});

test('kill during a preview ends the operation, and the preview is not tried again', async () => {
  const stackId = uniqueStack('kill-preview');
  const { docker } = system.engine;
  const filters = { label: [`dev.cldctl.stack-id=${stackId}`, 'dev.cldctl.purpose=preview'] };
  const previews = async (): Promise<string[]> =>
    (await docker.listContainers({ filters })).map(({ Id }) => Id);
  const started = await system.client.start({
    ...apply(stackId, 0),
    module: { image: await scriptedImage(system.engine, ['LABEL seed=1']) },
    engine: 'opentofu',
    inputs: { script: [{ sleep: 120_000 }] },
  });
  await expect.poll(previews, { timeout: 30_000 }).toHaveLength(1);
  await system.client.kill(started, { reason: 'it hangs', by: 'ann' });
  expect(await failureOf(system, started)).toMatchObject({
    code: 'OperationCanceled',
    message: 'the preview was killed by ann: it hangs',
  });
  expect(await previews()).toEqual([]);
  expect((await system.client.stack(stackId)).openRun).toBeUndefined();
});

test('what a terminated operation left running is stopped and harvested by the next one', async () => {
  const stackId = uniqueStack('terminated');
  const started = await applying(stackId, 60);
  const connection = await Connection.connect({ address: system.address });
  await new Client({ connection }).workflow
    .getHandle(started.workflowId, started.runId)
    .terminate('test');
  await connection.close();
  const next = await system.client.result(await system.client.start(apply(stackId, 0)));
  expect(next).toMatchObject({ outcome: 'succeeded', receipt: { failed: 0 } });
  const record = await system.client.stack(stackId);
  expect(record.operations).toHaveLength(2);
  expect(record.openRun).toBeUndefined();
});

test('what a dead worker and a terminated operation left running is settled before anything else', async () => {
  const stackId = uniqueStack('orphan');
  const started = await applying(stackId, 60);
  worker.signal('SIGKILL');
  await worker.done;
  const connection = await Connection.connect({ address: system.address });
  await new Client({ connection }).workflow
    .getHandle(started.workflowId, started.runId)
    .terminate('test');
  await connection.close();
  worker = await system.startWorker();
  const next = await system.client.result(await system.client.start(apply(stackId, 0)));
  expect(next).toMatchObject({ outcome: 'succeeded', receipt: { failed: 0, unapproved: 0 } });
  expect(next.notices?.join()).toContain('stopped and harvested');
  expect((await system.client.stack(stackId)).operations).toMatchObject([
    { outcome: 'OperationCanceled' },
    { outcome: 'succeeded' },
  ]);
});

test('a reset while the tool runs applies nothing twice', async () => {
  const stackId = uniqueStack('reset');
  const started = await applying(stackId, 60);
  const connection = await Connection.connect({ address: system.address });
  await connection.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: started.workflowId, runId: started.runId },
    reason: 'test',
    requestId: stackId,
    // The first workflow task: everything after it is done again.
    workflowTaskFinishEventId: 4 as never,
  });
  await connection.close();
  const again = { workflowId: started.workflowId };
  await expect
    .poll(async () => (await system.client.describe(again)).runId)
    .not.toBe(started.runId);
  // The tool of the first run is stopped; the second makes what is missing, and waits as long as it is told.
  await expect
    .poll(async () => (await system.client.stack(stackId)).operations.length, { timeout: 30_000 })
    .toBeGreaterThan(0);
  const { operations, openRun } = await system.client.stack(stackId);
  expect(operations[0]?.outcome).not.toBe('succeeded');
  expect(openRun === undefined || openRun.runId !== started.runId).toBe(true);
  await system.client.cancel(again);
  expect((await failureOf(system, again)).code).toBe('OperationCanceled');
});

test('a question after the death of a worker is answered by the next one, before a client gives up', async () => {
  const stackId = uniqueStack('asked');
  const input = { ...apply(stackId, 0), approval: { mode: 'required' as const, expiresIn: '1h' } };
  const started = await system.client.startAndWaitPlan(input);
  worker.signal('SIGKILL');
  await worker.done;
  worker = await system.startWorker();
  // Temporal offers the question to the dead worker first.
  const asked = performance.now();
  expect(await system.client.state(started)).toMatchObject({ phase: 'awaiting-approval' });
  expect(performance.now() - asked).toBeLessThan(8000);
  await system.client.reject(started, { planDigest: started.ready.planDigest ?? '', by: 'ann' });
  expect(await system.client.result(started)).toMatchObject({ outcome: 'rejected' });
});

test('a plan waits through a restart of the server and of the worker', async () => {
  const stackId = uniqueStack('restart');
  const input = { ...apply(stackId, 0), approval: { mode: 'required' as const, expiresIn: '1h' } };
  const started = await system.client.startAndWaitPlan(input);
  worker.signal('SIGKILL');
  await worker.done;
  await system.restartTemporal();
  worker = await system.startWorker();
  await system.client.approve(started, { planDigest: started.ready.planDigest ?? '', by: 'ann' });
  expect(await system.client.result(started)).toMatchObject({
    outcome: 'succeeded',
    receipt: { done: 3 },
  });
});
