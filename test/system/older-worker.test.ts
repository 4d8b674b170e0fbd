/** A client that is newer than the workers: it says so instead of failing in their words. */
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { IacClient } from '../../src/client/index.js';
import { createLocalSystem, uniqueStack, type LocalSystem } from '../support/local-system.js';

let system: LocalSystem;
let client: IacClient;
let stop: () => Promise<void>;

beforeAll(async () => {
  system = await createLocalSystem();
  client = await IacClient.connect({
    connectionOptions: { address: system.address },
    deadline: 8_000,
  });
  // What it says about a workflow that it does not know is expected.
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { filter: 'OFF' } },
  });
  const connection = await NativeConnection.connect({ address: system.address });
  const worker = await Worker.create({
    connection,
    taskQueue: 'iac',
    workflowsPath: fileURLToPath(new URL('../fixtures/older-worker/workflows.ts', import.meta.url)),
  });
  const running = worker.run();
  stop = async () => {
    worker.shutdown();
    await running;
    await connection.close();
  };
});
afterAll(async () => {
  await stop();
  await client.close();
  await system.close();
});

test('a question, an update and a workflow that it does not know', async () => {
  const stackId = uniqueStack('older');
  const started = await client.start({ stackId, operation: 'apply', module: { image: 'x' } });
  const older = { code: 'InvalidConfiguration', message: expect.stringMatching(/older/) as string };
  await expect(client.state(started)).rejects.toMatchObject(older);
  await expect(client.waitPlan(started)).rejects.toMatchObject(older);
  await expect(client.stack(stackId)).rejects.toMatchObject({
    code: 'TemporalUnavailable',
    message: expect.stringMatching(/no worker answers on queue iac, or only older ones/) as string,
  });
}, 60_000);
