/** Locks of the tools that outlived their holder: a dead container of ours is released by itself, anybody else by a person. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StartedOperation } from '../../src/client/index.js';
import type { OperationInput, OperationResult } from '../../src/contract/operation.js';
import type { Engine } from '../../src/docker/engine.js';
import { CodedError } from '../../src/errors.js';
import { previewPrefix } from '../../src/operation/container-names.js';
import { outside } from '../table/row.js';
import { command } from '../support/command.js';
import { createLocalSystem, uniqueStack, type LocalSystem } from '../support/local-system.js';
import { outsideModuleImages, TOOLS, type Tool } from '../support/outside-modules.js';
import { startOutsideWorld, type OutsideWorld } from '../support/outside-world.js';
import { startStateServers, type StateServers } from '../support/state-servers.js';
import { testEngine } from '../support/test-engine.js';

const PROJECT = 'held';
const TOFU = outside(`
variable "stack" { type = string }
variable "value" { type = string }
resource "outside_thing" "a" {
  name  = "\${var.stack}-a"
  value = var.value
}
`);
const PULUMI = `name: ${PROJECT}
runtime: yaml
config:
  stack: {type: string}
  value: {type: string}
resources:
  a:
    type: outside:index:Thing
    properties: {name: "\${stack}-a", value: "\${value}"}
`;
const FOREIGN = '11111111-2222-4333-8444-555555555555';

const abort = new AbortController();
let engine: Engine;
let world: OutsideWorld;
let servers: StateServers;
let system: LocalSystem;
let images: Record<Tool, string>;
let client: S3Client;

beforeAll(async () => {
  engine = await testEngine();
  images = await outsideModuleImages(engine, { opentofu: TOFU, pulumi: PULUMI }, abort.signal);
  world = await startOutsideWorld();
  servers = await startStateServers(engine, abort.signal);
  const url = new URL(servers.urls.s3);
  client = new S3Client({
    region: 'us-east-1',
    endpoint: url.searchParams.get('endpoint') ?? '',
    forcePathStyle: true,
    credentials: { accessKeyId: url.username, secretAccessKey: url.password },
  });
  system = await createLocalSystem({ env: { CLDCTL_STATE_URL: servers.urls.s3 } });
  await system.startWorker();
}, 900_000);
afterAll(async () => {
  abort.abort();
  client?.destroy();
  await system?.close();
  await servers?.close();
  await world?.close();
});

function operation(stackId: string, tool: Tool, value = 'old'): OperationInput {
  return {
    stackId,
    operation: 'apply',
    module: { image: images[tool] },
    inputs: { stack: stackId, value },
    environment: world.containerEnvironment,
    approval: { mode: 'auto', expiresIn: '1h' },
  };
}

async function endOf(started: StartedOperation): Promise<CodedError | OperationResult> {
  return system.client.result(started).catch((error: unknown) => {
    if (error instanceof CodedError) return error;
    throw error;
  });
}

/** The operation after a run that was lost: it asks, whatever its approval mode, and is approved. */
async function afterLoss(of: LocalSystem, input: OperationInput): Promise<OperationResult> {
  const started = await of.client.startAndWaitPlan(input);
  expect(started.ready.phase).toBe('awaiting-approval');
  await of.client.approve(started, { planDigest: started.ready.planDigest ?? '', by: 'ann' });
  return of.client.result(started);
}

async function installationOf(): Promise<string> {
  const store = await system.openStore();
  store.close();
  return store.installation;
}

/** Files of the tool's lock on a stack, below the bucket. */
async function locks(tool: Tool, stackId: string): Promise<string[]> {
  const names = await readdir(servers.bucket, { recursive: true });
  return names.filter((name) =>
    tool === 'opentofu'
      ? name.endsWith(`${stackId}.tfstate.tflock`)
      : name.includes(`/locks/`) && name.includes(`/${stackId}/`) && name.endsWith('.json'),
  );
}

/** Puts a lock there as the tool itself does, on a stack that there is. */
async function lockAs(
  tool: Tool,
  stackId: string,
  holder: { user: string; host: string; id: string; created: Date },
): Promise<void> {
  expect(await endOf(await system.client.start(operation(stackId, tool)))).toMatchObject({
    outcome: 'succeeded',
  });
  const { user, host, id, created } = holder;
  const [path, content] =
    tool === 'opentofu'
      ? [
          `team/${stackId}.tfstate.tflock`,
          {
            ID: id,
            Operation: 'OperationTypeApply',
            Info: '',
            Who: `${user}@${host}`,
            Version: '1.12.6',
            Created: created.toISOString(),
            Path: `states/team/${stackId}.tfstate`,
          },
        ]
      : [
          `team/.pulumi/locks/organization/${PROJECT}/${stackId}/${id}.json`,
          { pid: 1, username: user, hostname: host, timestamp: created.toISOString() },
        ];
  await client.send(
    new PutObjectCommand({ Bucket: 'states', Key: path, Body: JSON.stringify(content) }),
  );
}

/** Why the step that is tried again failed. */
async function reason(started: StartedOperation): Promise<string> {
  return (await system.client.describe(started)).retry?.reason ?? '';
}

describe.each(TOOLS)('%s', (tool) => {
  test('the lock of an apply whose container was killed is released by the next operation', async () => {
    const stackId = uniqueStack(`own-${tool}`);
    const held = world.hold(`${stackId}-a`, 'create');
    const started = await system.client.start(operation(stackId, tool));
    await held.reached;
    // While it runs nobody robs it of its lock.
    const { environment = {}, inputs = {} } = operation(stackId, tool);
    const robbed = await system.client.unlock(stackId, FOREIGN, {
      module: { image: images[tool] },
      inputs,
      environment,
    });
    expect(await endOf(robbed)).toMatchObject({ code: 'StackBusy' });
    const [container] = await system.containers(stackId);
    await engine.docker.getContainer(container?.id ?? '').kill({ signal: 'SIGKILL' });
    held.release();
    expect(await endOf(started)).toBeInstanceOf(CodedError);
    const left = await locks(tool, stackId);
    expect(left).toHaveLength(1);
    const text = await readFile(join(servers.bucket, left[0] ?? ''), 'utf8');
    const installation = await installationOf();
    expect(text).toContain(`cldctl-${installation}-${stackId}`);
    const next = await afterLoss(system, operation(stackId, tool));
    expect(next).toMatchObject({ outcome: 'succeeded', receipt: { unapproved: 0 } });
    expect(await locks(tool, stackId)).toEqual([]);
  });

  test('the lock of a preview whose container is gone is released as well', async () => {
    const stackId = uniqueStack(`preview-${tool}`);
    const installation = await installationOf();
    await lockAs(tool, stackId, {
      user: 'module',
      host: `${previewPrefix(installation, engine.id)}0123456789abcdef0123`,
      id: FOREIGN,
      created: new Date(Date.now() - 60_000),
    });
    const end = await endOf(await system.client.start(operation(stackId, tool, 'new')));
    expect(end).toMatchObject({ outcome: 'succeeded' });
    expect(await locks(tool, stackId)).toEqual([]);
  });

  test("another's lock is waited for, told with holder, age and the command, and released by a person only", async () => {
    const stackId = uniqueStack(`foreign-${tool}`);
    await lockAs(tool, stackId, {
      user: 'ann',
      host: 'laptop',
      id: FOREIGN,
      created: new Date(Date.now() - 3 * 3_600_000),
    });
    const started = await system.client.start(operation(stackId, tool, 'new'));
    await expect
      .poll(() => reason(started), { timeout: 60_000 })
      .toMatch(
        new RegExp(
          `^StateLocked: the state is locked by ann@laptop.*, 3 h: it is waited for.*cldctl-iac unlock ${stackId} ${FOREIGN}$`,
        ),
      );
    expect(await locks(tool, stackId)).toHaveLength(1);
    const { HOME: _none, ...env } = system.env as Record<string, string>;
    const unlock = (...more: string[]) =>
      command(
        [
          ...['unlock', stackId, FOREIGN, '--module', images[tool], '--input', `stack=${stackId}`],
          ...['--input', 'value=old'],
          ...['--env', `OUTSIDE_URL=${world.containerEnvironment.OUTSIDE_URL}`, ...more],
        ],
        { env },
      );
    const refused = await unlock();
    expect(refused.stderr).toContain('--yes');
    expect(refused.exitCode).not.toBe(0);
    expect(await locks(tool, stackId)).toHaveLength(1);
    const released = await unlock('--yes');
    expect(`${released.stdout}${released.stderr}`).toContain(`lock ${FOREIGN} was released`);
    // What waited for the lock goes on by itself.
    expect(await endOf(started)).toMatchObject({ outcome: 'succeeded' });
    expect(await locks(tool, stackId)).toEqual([]);
  });
});

describe('in PostgreSQL', () => {
  let database: LocalSystem;
  beforeAll(async () => {
    database = await createLocalSystem({ env: { CLDCTL_STATE_URL: servers.urls.postgres } });
    await database.startWorker();
  });
  afterAll(() => database.close());

  // OpenTofu's is a lock of the connection, and gone with it; Pulumi's is a row.
  test.each(TOOLS)('%s: an apply whose container was killed blocks nobody', async (tool) => {
    const stackId = uniqueStack(`own-pg-${tool}`);
    const held = world.hold(`${stackId}-a`, 'create');
    const started = await database.client.start(operation(stackId, tool));
    await held.reached;
    const [container] = await database.containers(stackId);
    await engine.docker.getContainer(container?.id ?? '').kill({ signal: 'SIGKILL' });
    held.release();
    await expect(database.client.result(started)).rejects.toBeInstanceOf(CodedError);
    const next = await afterLoss(database, operation(stackId, tool));
    expect(next).toMatchObject({ outcome: 'succeeded', receipt: { unapproved: 0 } });
    const released = (next.notices ?? []).filter((notice) =>
      /^lock \S+ was released$/.test(notice),
    );
    expect(released).toHaveLength(tool === 'pulumi' ? 1 : 0);
  });
});

test('OpenTofu releases no other lock than the one that is named, and says who holds it', async () => {
  const stackId = uniqueStack('other-id');
  const other = FOREIGN.replace(/^1/, '9');
  await lockAs('opentofu', stackId, {
    user: 'bob',
    host: 'desk',
    id: other,
    created: new Date(),
  });
  const started = await system.client.unlock(stackId, FOREIGN, {
    module: { image: images.opentofu },
    inputs: { stack: stackId, value: 'old' },
    environment: world.containerEnvironment,
  });
  const end = await endOf(started);
  expect(end).toMatchObject({ code: 'StateLocked' });
  expect((end as CodedError).message).toContain('bob@desk');
  expect(await locks('opentofu', stackId)).toHaveLength(1);
});
