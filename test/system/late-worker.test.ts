/** Operations that are started before a worker is there, and questions about one that is over. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { IacClient } from '../../src/client/index.js';
import type { CodedError } from '../../src/errors.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';

let system: LocalSystem;
let client: IacClient;

beforeAll(async () => {
  system = await createLocalSystem();
  client = await IacClient.connect({
    connectionOptions: { address: system.address },
    // Enough for the server; nobody answers for a worker.
    deadline: 3_000,
  });
});
afterAll(async () => {
  await client?.close();
  await system?.close();
});

test('who waits in vain for a worker is told that the operation is started, and finds it again', async () => {
  const image = await tofuModule(system.engine, 'output "made" { value = "here" }\n');
  const stackId = uniqueStack('late');
  const error = (await client
    .startAndWaitPlan({ stackId, operation: 'apply', module: { image } })
    .catch((caught: unknown) => caught)) as CodedError;
  const { workflowId, runId } = await system.client.describe(stackId);
  expect(error).toMatchObject({
    code: 'TemporalUnavailable',
    message: expect.stringContaining('the operation is started') as string,
    detail: { operation: { workflowId, runId } },
  });

  await system.startWorker();
  const { operation } = error.detail as { operation: { workflowId: string; runId: string } };
  const { phase, planDigest = '' } = await system.client.waitPlan(operation);
  expect(phase).toBe('awaiting-approval');
  await system.client.approve(operation, { planDigest, by: 'ann' });
  expect(await system.client.result(operation)).toMatchObject({
    outcome: 'succeeded',
    outputs: { made: { value: 'here' } },
  });

  // It takes no update any more, and yet its plan is known.
  expect(await system.client.waitPlan(operation)).toMatchObject({
    phase: 'done',
    outcome: 'succeeded',
    planDigest,
  });
});

test('a server that takes longer than the deadline: whether it was heard nobody knows', async () => {
  const hasty = await IacClient.connect({
    connectionOptions: { address: system.address },
    deadline: 0,
  });
  try {
    const asked = hasty.start({ stackId: uniqueStack('hasty'), operation: 'refresh' });
    await expect(asked).rejects.toMatchObject({
      code: 'TemporalUnavailable',
      message: expect.stringContaining('the operation may be started') as string,
    });
  } finally {
    await hasty.close();
  }
});
