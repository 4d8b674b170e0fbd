/**
 * A store that takes requests and does not answer. A cancel does not wait for it where there is nothing to keep; where a tool has run
 * it waits, but the tool is stopped at once.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { StartedOperation } from '../../src/client/index.js';
import type { OperationInput, OperationResult } from '../../src/contract/operation.js';
import { packArchive } from '../../src/docker/archive.js';
import type { CodedError } from '../../src/errors.js';
import { freePort } from '../../src/setup/free-port.js';
import { startHeldWay, type HeldWay } from '../support/held-way.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';
import { S3_CREDENTIALS, startS3Server, type S3Server } from '../support/s3-server.js';

const MODULE = `
variable "seconds" { type = number }
resource "terraform_data" "slow" {
  provisioner "local-exec" { command = "echo begun; sleep \${var.seconds}" }
}
`;
/** Milliseconds from the request to the end: what a first step waits for, a beat, the second that the store gets for a last word. */
const SOON = 4000;

const abort = new AbortController();
const figures: Record<string, number> = {};
let server: S3Server;
let way: HeldWay;
let folder: string;
let system: LocalSystem;
let image: string;
let connection: Connection;
let temporal: Client;
/** Where workers make folders for builds. */
let temporary: string;

beforeAll(async () => {
  server = await startS3Server(abort.signal);
  folder = await mkdtemp(join(tmpdir(), 'silent-store-'));
  temporary = join(folder, 'tmp');
  await mkdir(temporary);
  const port = await freePort();
  way = await startHeldWay({ host: '127.0.0.1', port: server.port }, { host: '127.0.0.1', port });
  const credentials = {
    AWS_ACCESS_KEY_ID: S3_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: S3_CREDENTIALS.secretAccessKey,
  };
  for (const [name, value] of Object.entries(credentials)) vi.stubEnv(name, value);
  system = await createLocalSystem({
    env: {
      ...credentials,
      CLDCTL_STORE: server.storeUrl('store', 'test', port),
      CLDCTL_MASTER_KEY_FILE: join(folder, 'key'),
      TMPDIR: temporary,
    },
  });
  image = await tofuModule(system.engine, MODULE);
  connection = await Connection.connect({ address: system.address });
  temporal = new Client({ connection });
  await system.startWorker();
}, 600_000);
afterEach(() => way.release());
afterAll(async () => {
  console.log('milliseconds from the request:', JSON.stringify(figures));
  abort.abort();
  await connection.close();
  await system.close();
  await way.close();
  vi.unstubAllEnvs();
  await server.remove();
  await rm(folder, { recursive: true });
});

function apply(stackId: string, more: Partial<OperationInput> = {}): OperationInput {
  return {
    stackId,
    operation: 'apply',
    module: { image },
    inputs: { seconds: 60 },
    limits: { network: 'none' },
    approval: { mode: 'auto', expiresIn: '1h' },
    ...more,
  };
}

/** Cancels, waits for the end, notes how long that took, and gives what is known at the end. */
async function cancel(started: StartedOperation, what: string): Promise<OperationResult> {
  const from = performance.now();
  await system.client.cancel(started);
  const error = await system.client.result(started).then(
    () => new Error('it was not canceled'),
    (reason: unknown) => reason as Error,
  );
  figures[what] = Math.round(performance.now() - from);
  expect(error).toMatchObject({ code: 'OperationCanceled' });
  return (error as CodedError).detail?.['result'] as OperationResult;
}

/** Neither a container nor a volume is left of the stack, nor the folder of a build. */
async function nothingLeft(stackId: string): Promise<void> {
  const filters = { label: [`dev.cldctl.stack-id=${stackId}`] };
  const { docker } = system.engine;
  const left = async (): Promise<unknown> => [
    ...(await docker.listContainers({ all: true, filters })).map(({ Names }) => Names),
    ...(await docker.listVolumes({ filters })).Volumes.map(({ Name }) => Name),
  ];
  await expect.poll(left, { timeout: 20_000 }).toEqual([]);
}

async function archiveOf(stackId: string): Promise<{ archive: string }> {
  const store = await system.openStore();
  const file = { mode: 0o644, uid: 0, gid: 0 };
  const archive = await store.artefacts.put(
    await packArchive([{ name: 'main.tf', bytes: `${MODULE}# ${stackId}\n`, ...file }]),
  );
  store.close();
  return { archive };
}

/** A cancel that ends the operation soon, while the store is silent; nothing is left when it answers again. */
async function endsSoon(started: StartedOperation, what: string): Promise<void> {
  const { notices } = await cancel(started, what);
  expect(figures[what]).toBeLessThan(SOON);
  expect(notices).toEqual([expect.stringContaining("not in the stack's log")]);
  expect(await readdir(temporary)).toEqual([]);
  way.release();
  await nothingLeft(started.stackId);
  expect((await system.client.stack(started.stackId).catch(() => undefined))?.openRun).toBe(
    undefined,
  );
}

test('detect: the operation ends at once', async () => {
  const stackId = uniqueStack('silent');
  const module = await archiveOf(stackId);
  const reached = way.holdAt(stackId);
  const started = await system.client.start(apply(stackId, { module }));
  await reached;
  await endsSoon(started, 'detect');
});

test('detect, waited for: the operation ends at once', async () => {
  const stackId = uniqueStack('silent');
  way.hold();
  const started = await system.client.start(apply(stackId));
  const waits = async (): Promise<unknown> => {
    const { raw } = await temporal.workflow.getHandle(started.workflowId).describe();
    return raw.pendingActivities?.map(({ activityType }) => activityType?.name);
  };
  await expect.poll(waits, { timeout: 10_000 }).toEqual(['prepareLater']);
  await endsSoon(started, 'detect, waited for');
});

test('detect, waited for: it goes on when the store answers', async () => {
  const stackId = uniqueStack('silent');
  way.hold();
  const started = await system.client.start(apply(stackId, { inputs: { seconds: 0 } }));
  const waits = async (): Promise<unknown> => {
    const { raw } = await temporal.workflow.getHandle(started.workflowId).describe();
    return raw.pendingActivities?.length;
  };
  await expect.poll(waits, { timeout: 10_000 }).toBe(1);
  way.release();
  expect(await system.client.result(started)).toMatchObject({ outcome: 'succeeded' });
});

test('build, while the archive is read: the operation ends at once, without a folder or an image', async () => {
  const stackId = uniqueStack('silent');
  const module = await archiveOf(stackId);
  const reached = way.holdAt('/artefacts/');
  const started = await system.client.start(apply(stackId, { module }));
  await reached;
  await endsSoon(started, 'build');
});

test.each([
  ['what it is made with', '/keys/'],
  ['where its plan goes', '/plans/'],
])('preview, while the store owes %s: the operation ends at once', async (what, path) => {
  const stackId = uniqueStack('silent');
  const reached = way.holdAt(`${path}${stackId}`);
  const started = await system.client.start(apply(stackId));
  await reached;
  await endsSoon(started, `preview, ${what}`);
});

test('a plan that waits: the operation ends at once', async () => {
  const stackId = uniqueStack('silent');
  const waiting = await system.client.startAndWaitPlan(
    apply(stackId, { approval: { mode: 'required', expiresIn: '1h' } }),
  );
  way.hold();
  await endsSoon(waiting, 'a plan that waits');
});

test('a run: its tool is stopped at once, and its end waits until the store has the result', async () => {
  const stackId = uniqueStack('silent');
  const started = await system.client.start(apply(stackId));
  await expect.poll(() => system.logOf(started), { timeout: 60_000 }).toContain('begun');
  const [container] = await system.containers(stackId);
  const storing = way.holds('states');
  way.hold();
  const from = performance.now();
  await system.client.cancel(started);
  await system.engine.docker.getContainer(container?.id ?? '').wait();
  figures['a run, its tool'] = Math.round(performance.now() - from);
  expect(figures['a run, its tool']).toBeLessThan(SOON);
  await storing;
  expect(await system.client.state(started)).toMatchObject({ phase: 'apply' });
  expect(await system.containers(stackId)).toEqual([{ id: container?.id, state: 'exited' }]);
  way.release();
  const error = (await system.client.result(started).catch((reason: unknown) => reason)) as object;
  expect(error).toMatchObject({
    code: 'OperationCanceled',
    detail: { result: { receipt: { done: 0, failed: 1 } } },
  });
  const { operations, openRun, state } = await system.client.stack(stackId);
  expect(operations).toMatchObject([{ operation: 'apply', outcome: 'OperationCanceled' }]);
  expect(openRun).toBeUndefined();
  expect(state).toMatchObject({ version: 1 });
  await nothingLeft(stackId);
});

test('a run whose result the store does not take ends canceled, and the next operation settles it', async () => {
  const stackId = uniqueStack('silent');
  const started = await system.client.start(apply(stackId));
  await expect.poll(() => system.logOf(started), { timeout: 60_000 }).toContain('begun');
  way.cut();
  const { receipt } = await cancel(started, 'a run, without a store');
  expect(receipt).toBeUndefined();
  way.release();
  // When the container of a later operation was swept away, so would this one.
  const other = uniqueStack('silent');
  await system.client.result(await system.client.start(apply(other, { inputs: { seconds: 0 } })));
  await nothingLeft(other);
  expect(await system.containers(stackId)).toMatchObject([{ state: 'exited' }]);
  expect((await system.client.stack(stackId)).openRun).toMatchObject({ operation: 'apply' });
  const next = await system.client.start(apply(stackId, { inputs: { seconds: 0 } }));
  expect(await system.client.result(next)).toMatchObject({
    outcome: 'succeeded',
    receipt: { failed: 0, unapproved: 0 },
    notices: [expect.stringMatching(/left behind was settled: /) as string],
  });
  const { operations, openRun } = await system.client.stack(stackId);
  expect(operations).toMatchObject([
    { runId: started.runId, outcome: 'ModuleFailed' },
    { runId: next.runId, outcome: 'succeeded' },
  ]);
  expect(openRun).toBeUndefined();
  await nothingLeft(stackId);
});
