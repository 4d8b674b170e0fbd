import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { IacClient, type StartedOperation } from '../../src/client/index.js';
import type { OperationInput } from '../../src/contract/operation.js';
import { CodedError } from '../../src/errors.js';
import { historyText } from '../support/history-text.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';

const TWENTY = `
variable "name" { type = string }
variable "password" {
  type      = string
  default   = "none"
  sensitive = true
}
resource "terraform_data" "item" {
  count = 20
  input = "\${var.name}-\${count.index}"
}
output "first" { value = terraform_data.item[0].output }
output "secret" {
  value     = var.password
  sensitive = true
}
`;
const SECRET = 'correct-horse-battery-staple';

let system: LocalSystem;
let image: string;

beforeAll(async () => {
  system = await createLocalSystem({
    env: { CLDCTL_SECRETS_ENV: 'DB_PASSWORD', DB_PASSWORD: SECRET },
  });
  image = await tofuModule(system.engine, TWENTY);
  await system.startWorker();
});
afterAll(() => system.close());

const apply = (stackId: string, more: Partial<OperationInput> = {}): OperationInput => ({
  stackId,
  operation: 'apply',
  module: { image },
  inputs: { name: 'demo' },
  limits: { network: 'none' },
  requestedBy: 'test',
  ...more,
});

/** Deletes a closed run, as Temporal does by itself after the namespace's retention. */
async function forget({ workflowId, runId }: StartedOperation): Promise<void> {
  const connection = await Connection.connect({ address: system.address });
  try {
    const execution = { namespace: 'default', workflowExecution: { workflowId, runId } };
    await connection.workflowService.deleteWorkflowExecution(execution);
    const handle = new Client({ connection }).workflow.getHandle(workflowId, runId);
    await vi.waitUntil(
      () =>
        handle.describe().then(
          () => false,
          (error: unknown) => error instanceof WorkflowNotFoundError,
        ),
      { timeout: 90_000 },
    );
  } finally {
    await connection.close();
  }
}

async function approved(input: OperationInput) {
  const started = await system.client.startAndWaitPlan(input);
  await system.client.approve(started, { planDigest: started.ready.planDigest ?? '', by: 'ann' });
  return { started, result: await system.client.result(started) };
}

async function history(started: StartedOperation) {
  const connection = await Connection.connect({ address: system.address });
  try {
    const handle = new Client({ connection }).workflow.getHandle(started.workflowId, started.runId);
    const { historyLength, historySize = 0 } = await handle.describe();
    return {
      events: historyLength,
      bytes: historySize,
      text: historyText(await handle.fetchHistory()),
    };
  } finally {
    await connection.close();
  }
}

async function coded(promise: Promise<unknown>): Promise<CodedError> {
  const error = await promise.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CodedError);
  return error as CodedError;
}

describe('a stack, from its first plan to its end', () => {
  const stackId = uniqueStack('life');
  const life = (): OperationInput =>
    apply(stackId, { inputs: { name: 'demo', password: { $secret: 'DB_PASSWORD' } } });

  test('is made by exactly the plan that was approved', async () => {
    const { started, result } = await approved(life());
    expect(result).toMatchObject({
      outcome: 'succeeded',
      summary: { create: 20, delete: 0 },
      receipt: { done: 20, failed: 0, not_reached: 0, unapproved: 0 },
      outputs: { first: { value: 'demo-0' }, secret: { sensitive: true } },
      decisions: [{ decision: 'approve', by: 'ann', planDigest: result.planDigest }],
    });
    const { events, bytes, text } = await history(started);
    expect(events).toBeLessThanOrEqual(60);
    expect(bytes).toBeLessThanOrEqual(20 * 1024);
    expect(text).toContain('terraform_data.item[19]');
    for (const form of [SECRET, Buffer.from(SECRET).toString('base64').slice(0, 30)]) {
      expect(text).not.toContain(form);
    }
  });

  test('has nothing to do when it is applied again, and nobody is asked', async () => {
    const started = await system.client.start({
      ...life(),
      approval: { mode: 'on-changes', expiresIn: '1h' },
    });
    expect((await system.client.result(started)).outcome).toBe('no-changes');
  });

  test('is known by its record, whatever becomes of the history', async () => {
    const record = await system.client.stack(stackId);
    expect(record).toMatchObject({
      engine: 'opentofu',
      outputs: { first: { value: 'demo-0' }, secret: { sensitive: true } },
      operations: [{ outcome: 'succeeded' }, { outcome: 'no-changes' }],
      state: { version: 1 },
    });
    expect(record.openRun).toBeUndefined();
  });

  test('a rejected plan changes nothing', async () => {
    const started = await system.client.startAndWaitPlan({ ...life(), inputs: { name: 'other' } });
    expect(started.ready.summary).toMatchObject({ create: 0, update: 20 });
    await system.client.reject(started, { planDigest: started.ready.planDigest ?? '', by: 'ann' });
    expect((await system.client.result(started)).outcome).toBe('rejected');
    expect(await system.client.outputs(stackId)).toMatchObject({ first: { value: 'demo-0' } });
  });

  test('a saved preview can be applied by its digest, without another question', async () => {
    const change = { ...life(), inputs: { name: 'saved' } };
    const preview = await system.client.start({ ...change, operation: 'preview' });
    const { planDigest = '' } = await system.client.result(preview);
    const started = await system.client.start({
      stackId,
      operation: 'apply',
      plan: planDigest,
      requestedBy: 'ci',
    });
    const result = await system.client.result(started);
    expect(result).toMatchObject({
      outcome: 'succeeded',
      planDigest,
      outputs: { first: { value: 'saved-0' } },
    });
    // The state moved: the same plan is returned as done, never run twice.
    const again = await system.client.start({ stackId, operation: 'apply', plan: planDigest });
    expect(await system.client.result(again)).toMatchObject({
      outcome: 'succeeded',
      receipt: { done: 20 },
    });
  });

  test('is destroyed after a plan and an approval, with the image and inputs of its last apply', async () => {
    const { result } = await approved({ stackId, operation: 'destroy', requestedBy: 'test' });
    expect(result).toMatchObject({
      outcome: 'succeeded',
      summary: { delete: 20 },
      receipt: { done: 20 },
    });
    expect(await system.client.outputs(stackId)).toEqual({});
  });

  test('leaves no container and no volume behind', async () => {
    await expect.poll(() => system.containers(stackId), { timeout: 15_000 }).toEqual([]);
    // The volume goes after its container.
    const left = async (): Promise<string[]> => {
      const { Volumes } = await system.engine.docker.listVolumes();
      return Volumes.map(({ Name }) => Name).filter((name) => name.includes(stackId));
    };
    await expect.poll(left, { timeout: 15_000 }).toEqual([]);
  });
});

describe('one operation at a time', () => {
  test('a second one is told what runs; the same request is the same operation, then and later', async () => {
    const stackId = uniqueStack('busy');
    const input = apply(stackId, { requestId: `request-${stackId}` });
    const first = await system.client.startAndWaitPlan(input);
    const busy = await coded(system.client.start(apply(stackId)));
    expect(busy.code).toBe('StackBusy');
    expect(busy.message).toContain('apply by test');
    expect(busy.detail?.['running']).toMatchObject({
      workflowId: first.workflowId,
      runId: first.runId,
    });
    const again = await system.client.start(input);
    expect(again).toMatchObject({ runId: first.runId, attached: true });
    await system.client.approve(first, { planDigest: first.ready.planDigest ?? '', by: 'ann' });
    const result = await system.client.result(first);
    const later = await system.client.start(input);
    expect(later.runId).not.toBe(first.runId);
    expect(await system.client.result(later)).toEqual(result);
  });

  test('a request id that comes with another wish is refused, while the first runs and after it ended', async () => {
    const stackId = uniqueStack('other');
    const input = apply(stackId, { requestId: `request-${stackId}` });
    const first = await system.client.startAndWaitPlan(input);
    const other = { ...input, inputs: { name: 'other' } };
    const running = await coded(system.client.start(other));
    expect(running).toMatchObject({ code: 'InvalidInput' });
    expect(running.message).toContain(`run ${first.runId}`);
    // Who asks and why is no part of the wish.
    const again = await system.client.start({ ...input, requestedBy: 'bob', reason: 'again' });
    expect(again).toMatchObject({ runId: first.runId, attached: true });
    await system.client.reject(first, { planDigest: first.ready.planDigest ?? '', by: 'ann' });
    await system.client.result(first);
    for (const wish of [other, { ...input, operation: 'preview' as const }]) {
      const error = await coded(system.client.startAndWaitPlan(wish));
      expect(error).toMatchObject({ code: 'InvalidInput' });
      expect(error.message).toContain(`run ${first.runId}`);
    }
  });

  test('a request whose run Temporal has forgotten is answered from the record, as it ended', async () => {
    const stackId = uniqueStack('forgotten');
    const input = apply(stackId, { requestId: `request-${stackId}` });
    const { started, result } = await approved(input);
    const failing = apply(stackId, { requestId: 'failing', inputs: { nmae: 'x' } });
    const failed = await system.client.start(failing);
    await coded(system.client.result(failed));
    const preview = apply(stackId, { requestId: 'preview', operation: 'preview' });
    const previewed = await system.client.start(preview);
    await system.client.result(previewed);
    await Promise.all([started, failed, previewed].map(forget));

    const again = await system.client.result(await system.client.start(input));
    const { outcome, summary, planDigest } = result;
    expect(again).toMatchObject({ outcome, stackId, operation: 'apply', summary, planDigest });
    expect(again.notices?.[0]).toContain(`run ${started.runId}`);
    const error = await coded(system.client.result(await system.client.start(failing)));
    expect(error.code).toBe('InvalidInput');
    expect(error.message).toContain(`run ${failed.runId}`);
    const unknown = await coded(system.client.result(await system.client.start(preview)));
    expect(unknown.code).toBe('OperationNotFound');
  });

  test('an operation that waits for approval gives way to one that supersedes it', async () => {
    const stackId = uniqueStack('super');
    const first = await system.client.startAndWaitPlan(apply(stackId));
    const second = await system.client.startAndWaitPlan(
      apply(stackId, { onBusy: 'supersede', requestedBy: 'bob' }),
    );
    expect(await system.client.result(first)).toMatchObject({ outcome: 'superseded' });
    await system.client.reject(second, { planDigest: second.ready.planDigest ?? '', by: 'ann' });
    await system.client.result(second);
  });
});

describe('bad input', () => {
  test('missing and undeclared inputs are named before anything starts', async () => {
    const error = await coded(
      system.client.startAndWaitPlan(apply(uniqueStack('bad'), { inputs: { nmae: 'x' } })),
    );
    expect(error.code).toBe('InvalidInput');
    expect(error.message).toContain('inputs.name: the module requires it');
    expect(error.message).toContain('inputs.nmae: the module does not declare it');
  });

  test('a secret that is not there is named, and nothing runs', async () => {
    const inputs = { name: 'x', password: { $secret: 'NO_SUCH' } };
    const error = await coded(
      system.client.startAndWaitPlan(apply(uniqueStack('bad'), { inputs })),
    );
    expect(error).toMatchObject({ code: 'SecretNotFound' });
    expect(error.message).toContain('NO_SUCH');
  });

  test.each([
    ['a stack that does not exist', { operation: 'destroy' as const }, 'StackNotFound'],
    [
      'a plan that does not exist',
      { operation: 'apply' as const, plan: `sha256:${'0'.repeat(64)}` },
      'PlanNotFound',
    ],
    [
      'an image that nobody has',
      { operation: 'apply' as const, module: { image: 'localhost:1/no/such:1' } },
      undefined,
    ],
  ])('%s', async (_name, input, code) => {
    const started = await system.client.start({ stackId: uniqueStack('bad'), ...input });
    if (code === undefined) {
      await system.client.cancel(started);
      expect((await coded(system.client.result(started))).code).toBe('OperationCanceled');
      return;
    }
    expect((await coded(system.client.result(started))).code).toBe(code);
  });

  test('a mistake in JSON that did not come through this client fails the run with every issue', async () => {
    const connection = await Connection.connect({ address: system.address });
    try {
      const handle = await new Client({ connection }).workflow.start('stackOperation', {
        workflowId: `stack:${uniqueStack('raw')}`,
        taskQueue: 'iac',
        args: [{ stackId: 'Not A Stack', operation: 'aply', color: 'red' }],
      });
      const from = performance.now();
      const error = (await handle.result().catch((reason: unknown) => reason)) as {
        cause: { message: string };
      };
      expect(performance.now() - from).toBeLessThan(5000);
      for (const word of ['stackId', 'operation', 'color'])
        expect(error.cause.message).toContain(word);
    } finally {
      await connection.close();
    }
  });
});

test('a service that has a Temporal client uses its connection, and keeps it', async () => {
  const connection = await Connection.connect({ address: system.address });
  try {
    const temporal = new Client({ connection });
    const client = new IacClient({ connection: temporal.connection });
    const stackId = uniqueStack('own');
    const started = await client.startAndWaitPlan(apply(stackId));
    await client.approve(started, { planDigest: started.ready.planDigest ?? '', by: 'ann' });
    expect(await client.result(started)).toMatchObject({ outcome: 'succeeded' });
    await client.close();
    const { status } = await temporal.workflow.getHandle(started.workflowId).describe();
    expect(status.name).toBe('COMPLETED');
  } finally {
    await connection.close();
  }
});

test('without a worker every call says so in time', async () => {
  const connection = await Connection.connect({ address: system.address });
  const { workflowService } = connection;
  await workflowService.registerNamespace({
    namespace: 'empty',
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  const client = new IacClient({ connection, namespace: 'empty', deadline: 3000 });
  try {
    const error = await coded(client.stack('none'));
    expect(error.code).toMatch(/TemporalUnavailable|InvalidConfiguration/);
  } finally {
    await connection.close();
  }
});
