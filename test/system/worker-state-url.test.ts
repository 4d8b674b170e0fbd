/** Stacks of both engines whose state lives in PostgreSQL or S3, through the worker: nothing of it in the store, locks and logins told. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type { Json } from '../../src/contract/json.js';
import type { OperationInput, OperationResult } from '../../src/contract/operation.js';
import { allHistories } from '../support/all-histories.js';
import type { RunningCommand } from '../support/command.js';
import { testEngine } from '../support/test-engine.js';
import type { Engine } from '../../src/docker/engine.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';
import { pulumiModuleImage } from '../support/pulumi-module.js';
import { STATE_SERVERS, startStateServers, type StateServers } from '../support/state-servers.js';

const TOFU = `
variable "service" { type = string }
variable "token" {
  type      = string
  sensitive = true
}
variable "seconds" {
  type    = number
  default = 0
}
resource "terraform_data" "a" {
  input            = var.service
  triggers_replace = var.seconds
  provisioner "local-exec" { command = "sleep ${'$'}{self.triggers_replace}" }
}
output "endpoint" { value = terraform_data.a.output }
`;
const TOKEN = 'state-horse-battery-staple';
const SECRETS = { CLDCTL_SECRETS_ENV: 'SERVICE_TOKEN', SERVICE_TOKEN: TOKEN };

const abort = new AbortController();
let engine: Engine;
let servers: StateServers;
let images: { opentofu: string; pulumi: string };

beforeAll(async () => {
  engine = await testEngine();
  const bases = await prepareLocalSystem({
    need: ['pulumi-yaml'],
    ...setupSettings(loadConfig(process.env)),
    signal: abort.signal,
    report: () => undefined,
  });
  const project = readFileSync(join(packageRoot(), 'examples/pulumi-yaml/Pulumi.yaml'));
  const pulumi = await pulumiModuleImage(
    engine,
    bases['pulumi-yaml'],
    { 'Pulumi.yaml': project },
    abort.signal,
  );
  images = { opentofu: await tofuModule(engine, TOFU), pulumi };
  servers = await startStateServers(engine, abort.signal);
}, 900_000);
afterAll(async () => {
  abort.abort();
  await servers.close();
});

function operation(
  stackId: string,
  image: string,
  inputs: Record<string, Json>,
  more: Partial<OperationInput> = {},
): OperationInput {
  return {
    stackId,
    operation: 'apply',
    module: { image },
    inputs: { token: { $secret: 'SERVICE_TOKEN' }, ...inputs },
    requestedBy: 'test',
    ...more,
  };
}

async function approved(system: LocalSystem, input: OperationInput): Promise<OperationResult> {
  const started = await system.client.startAndWaitPlan(input);
  await system.client.approve(started, { planDigest: started.ready.planDigest ?? '', by: 'ann' });
  return system.client.result(started);
}

/** What the mutating container of a stack that runs now has printed; those that ended stay for a moment. */
async function toolLog({ engine: { docker }, containers }: LocalSystem, stack: string) {
  const container = (await containers(stack)).find(({ state }) => state === 'running');
  if (container === undefined) return '';
  const log = await docker.getContainer(container.id).logs({ stdout: true, stderr: true });
  return log.toString('utf8');
}

/** Why the activities that wait for their next try failed. */
async function lastFailures(address: string, workflowId: string): Promise<string[]> {
  const connection = await Connection.connect({ address });
  try {
    const { raw } = await new Client({ connection }).workflow.getHandle(workflowId).describe();
    return (raw.pendingActivities ?? []).flatMap(({ lastFailure }) => lastFailure?.message ?? []);
  } finally {
    await connection.close();
  }
}

describe.each(STATE_SERVERS)('state in %s', (kind) => {
  let system: LocalSystem;
  beforeAll(async () => {
    system = await createLocalSystem({
      env: { ...SECRETS, CLDCTL_STATE_URL: servers.urls[kind] },
    });
    await system.startWorker();
  });
  afterAll(() => system.close());

  test.each(['opentofu', 'pulumi'] as const)('%s: made, changed, destroyed', async (name) => {
    const [stack, other] = [uniqueStack(`state-${name}`), uniqueStack(`other-${name}`)];
    const image = images[name];
    const made = await approved(system, operation(stack, image, { service: 'shop' }));
    expect(made).toMatchObject({ outcome: 'succeeded', receipt: { failed: 0, unapproved: 0 } });
    // A second stack of the same module begins with nothing.
    const beside = await approved(system, operation(other, image, { service: 'other' }));
    expect(beside.summary).toEqual(made.summary);
    const again = await system.client.start(
      operation(
        stack,
        image,
        { service: 'shop' },
        { approval: { mode: 'on-changes', expiresIn: '1h' } },
      ),
    );
    expect((await system.client.result(again)).outcome).toBe('no-changes');
    for (const each of [stack, other]) {
      const gone = await approved(
        system,
        operation(
          each,
          image,
          { service: each === stack ? 'shop' : 'other' },
          { operation: 'destroy' },
        ),
      );
      expect(gone).toMatchObject({
        outcome: 'succeeded',
        summary: { delete: made.summary?.create },
      });
    }
    const store = await system.openStore();
    try {
      for await (const { key } of store.objects.list('states/')) expect(key).toBeUndefined();
    } finally {
      store.close();
    }
  });

  test('no word of the passwords in what the server keeps', async () => {
    const text = await allHistories(system.address);
    expect(text).toContain('stackOperation');
    for (const secret of [...servers.secrets, TOKEN]) expect(text).not.toContain(secret);
  });

  test('the lock of another installation is waited for, and its holder shown', async () => {
    const stack = uniqueStack('locked');
    const neighbour = await createLocalSystem({
      env: { ...SECRETS, CLDCTL_STATE_URL: servers.urls[kind] },
    });
    try {
      await neighbour.startWorker();
      await approved(neighbour, operation(stack, images.opentofu, { service: 'shop' }));
      const slow = await neighbour.client.startAndWaitPlan(
        operation(stack, images.opentofu, { service: 'shop', seconds: 12 }),
      );
      await neighbour.client.approve(slow, {
        planDigest: slow.ready.planDigest ?? '',
        by: 'ann',
      });
      await expect
        .poll(
          async () =>
            (await toolLog(neighbour, stack)) || JSON.stringify(await neighbour.client.state(slow)),
          { timeout: 60_000 },
        )
        .toContain('terraform_data.a: Provisioning');
      const waiting = await system.client.start(
        operation(
          stack,
          images.opentofu,
          { service: 'mine' },
          { approval: { mode: 'auto', expiresIn: '1h' } },
        ),
      );
      // What a person sees in the UI while it waits: the activity's last failure.
      await expect
        .poll(async () => lastFailures(system.address, waiting.workflowId), { timeout: 30_000 })
        .toEqual([
          expect.stringMatching(
            // PostgreSQL knows of a lock, not of whom it is; the tool then shows the one who asks.
            kind === 'postgres' ? /its backend does not say by whom/ : /is locked by module@/,
          ) as string,
        ]);
      expect((await neighbour.client.result(slow)).outcome).toBe('succeeded');
      expect(await system.client.result(waiting)).toMatchObject({
        outcome: 'succeeded',
        outputs: { endpoint: { value: 'mine' } },
      });
    } finally {
      await neighbour.close();
    }
  });
});

describe.each(STATE_SERVERS)('a wrong password for %s', (kind) => {
  let system: LocalSystem;
  beforeAll(async () => {
    system = await createLocalSystem({
      env: { ...SECRETS, CLDCTL_STATE_URL: servers.wrongUrls[kind] },
    });
    await system.startWorker();
  });
  afterAll(() => system.close());

  test.each(['opentofu', 'pulumi'] as const)('%s: told at once, not tried again', async (name) => {
    const stack = uniqueStack('denied');
    const started = await system.client.start(operation(stack, images[name], { service: 'shop' }));
    await expect(system.client.result(started)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringMatching(/state URL/) as string,
    });
    const text = await allHistories(system.address);
    for (const secret of [...servers.secrets, TOKEN]) expect(text).not.toContain(secret);
  });
});

describe('a stack whose worker looks for its state somewhere else', () => {
  let system: LocalSystem;
  let worker: RunningCommand;
  beforeAll(async () => {
    system = await createLocalSystem({ env: SECRETS });
    worker = await system.startWorker({ CLDCTL_STATE_URL: servers.urls.s3 });
  });
  afterAll(() => system.close());

  test.each(['opentofu', 'pulumi'] as const)(
    '%s: nothing is planned, and it says where the state was',
    async (name) => {
      const stack = uniqueStack(`moved-${name}`);
      const input = operation(stack, images[name], { service: 'shop' });
      expect((await approved(system, input)).outcome).toBe('succeeded');

      await follow(system, {});
      const elsewhere = await system.client.start({ ...input, operation: 'preview' });
      await expect(system.client.result(elsewhere)).rejects.toMatchObject({
        code: 'InvalidConfiguration',
        message: expect.stringMatching(
          new RegExp(
            `the state of ${stack} was last in s3://[^ ]+, and the worker's store has none`,
          ),
        ) as string,
      });

      await follow(system, { CLDCTL_STATE_URL: servers.urls.s3 });
      const again = await system.client.start({
        ...input,
        approval: { mode: 'on-changes', expiresIn: '1h' },
      });
      expect((await system.client.result(again)).outcome).toBe('no-changes');
    },
  );

  /** Ends the worker and starts another one. */
  async function follow(
    { startWorker }: LocalSystem,
    env: Readonly<Record<string, string>>,
  ): Promise<void> {
    worker.signal('SIGTERM');
    await worker.done;
    worker = await startWorker(env);
  }
});
