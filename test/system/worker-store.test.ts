/** The store is the memory of a stack: workflow history may go, old things go by themselves, and nothing that is needed does. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OperationInput, OperationResult } from '../../src/contract/operation.js';
import type { Store } from '../../src/store/open-store.js';
import { command } from '../support/command.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';

const MODULE = `
variable "name" { type = string }
variable "broken" {
  type    = bool
  default = false
}
resource "terraform_data" "kept" { input = var.name }
resource "terraform_data" "fails" {
  count = var.broken ? 1 : 0
  provisioner "local-exec" { command = "exit 3" }
  depends_on = [terraform_data.kept]
}
output "name" { value = terraform_data.kept.output }
`;

let system: LocalSystem;
let image: string;
let store: Store;

beforeAll(async () => {
  system = await createLocalSystem();
  image = await tofuModule(system.engine, MODULE);
  await system.startWorker();
  store = await system.openStore();
});
afterAll(async () => {
  store?.close();
  await system.close();
});

function operation(stackId: string, more: Partial<OperationInput> = {}): OperationInput {
  return { stackId, operation: 'apply', limits: { network: 'none' }, requestedBy: 'test', ...more };
}

async function approved(input: OperationInput): Promise<OperationResult> {
  const started = await system.client.startAndWaitPlan(input);
  await system.client.approve(started, { planDigest: started.ready.planDigest ?? '', by: 'ann' });
  return system.client.result(started);
}

test('what a first apply that failed made is destroyed without naming a module', async () => {
  const stackId = uniqueStack('half');
  const inputs = { name: 'half', broken: true };
  await expect(approved(operation(stackId, { module: { image }, inputs }))).rejects.toMatchObject({
    code: 'ModuleFailed',
  });
  const result = await approved(operation(stackId, { operation: 'destroy' }));
  expect(result).toMatchObject({ outcome: 'succeeded', receipt: { done: 2, failed: 0 } });
});

describe('after all workflow history is gone', () => {
  const stackId = uniqueStack('memory');
  let planDigest: string;

  beforeAll(async () => {
    await approved(operation(stackId, { module: { image }, inputs: { name: 'first' } }));
    planDigest =
      (await approved(operation(stackId, { inputs: { name: 'second' } }))).planDigest ?? '';
    // The server's database is in memory: the new one has never heard of any operation.
    await system.restartTemporal();
  });

  test('workers serve the new server, which knows nothing', async () => {
    await expect
      .poll(() => system.client.stack(stackId).catch(() => undefined), { timeout: 60_000 })
      .toBeDefined();
    await expect(system.client.describe(stackId)).rejects.toMatchObject({
      code: 'OperationNotFound',
    });
  });

  test('the stack is listed with what was done last, and its outputs are there', async () => {
    const listed = await command(['list', stackId, '--json'], { env: system.env });
    expect(JSON.parse(listed.stdout)).toMatchObject({
      stackId,
      engine: 'opentofu',
      last: { operation: 'apply', outcome: 'succeeded', by: 'test', planDigest },
      running: null,
    });
    const outputs = await command(['outputs', stackId, '--json'], { env: system.env });
    expect(JSON.parse(outputs.stdout)).toMatchObject({ name: { value: 'second' } });
    const status = await command(['status', stackId], { env: system.env });
    expect(status.stdout).toContain(stackId);
  });

  test('the plan that was applied can be read', async () => {
    const byDigest = await command(['plan', 'show', planDigest], { env: system.env });
    expect(byDigest.stdout).toContain('terraform_data.kept');
    const byStack = await command(['plan', 'show', stackId], { env: system.env });
    expect(byStack.stdout).toBe(byDigest.stdout);
  });

  test('an apply without a module takes up the image and the inputs of the last', async () => {
    const input = operation(stackId, { approval: { mode: 'on-changes', expiresIn: '1h' } });
    const result = await system.client.result(await system.client.start(input));
    expect(result.outcome).toBe('no-changes');
  });

  test('it is destroyed by its name alone', async () => {
    expect(await approved(operation(stackId, { operation: 'destroy' }))).toMatchObject({
      outcome: 'succeeded',
      receipt: { done: 1 },
    });
  });
});

test('a worker removes what is old, and nothing that a waiting operation, a record or its state needs', async () => {
  const stackId = uniqueStack('kept');
  await approved(operation(stackId, { module: { image }, inputs: { name: 'old' } }));
  const waiting = await system.client.startAndWaitPlan(
    operation(stackId, { inputs: { name: 'new' } }),
  );
  const quiet = uniqueStack('quiet');
  await approved(operation(quiet, { module: { image }, inputs: { name: 'quiet' } }));
  const litter = await store.artefacts.put(Buffer.from('nothing refers to this'));
  // Stands for six hours that passed: the claim of the period goes.
  for await (const { key } of store.objects.list('sweeps/')) await store.objects.delete(key);
  const sweeper = await system.startWorker({
    CLDCTL_KEEP_PLANS: '1ms',
    CLDCTL_KEEP_STATES: '1ms',
    CLDCTL_KEEP_REQUESTS: '1ms',
    CLDCTL_KEEP_ARTEFACTS: '1ms',
    CLDCTL_LOG_LEVEL: 'info',
  });
  await sweeper.seen('looked through the store');
  expect(await store.artefacts.has(litter)).toBe(false);
  await system.client.approve(waiting, { planDigest: waiting.ready.planDigest ?? '', by: 'ann' });
  expect(await system.client.result(waiting)).toMatchObject({
    outcome: 'succeeded',
    outputs: { name: { value: 'new' } },
  });
  expect(await approved(operation(quiet, { operation: 'destroy' }))).toMatchObject({
    outcome: 'succeeded',
    receipt: { done: 1 },
  });
});

test('the master key is rotated while a plan waits and a worker runs: nothing is lost', async () => {
  const stackId = uniqueStack('rotated');
  const waiting = await system.client.startAndWaitPlan(
    operation(stackId, { module: { image }, inputs: { name: 'sealed' } }),
  );
  const rotated = await command(['keys', 'rotate'], { env: system.env });
  expect(rotated.exitCode, rotated.stderr).toBe(0);
  await system.client.approve(waiting, { planDigest: waiting.ready.planDigest ?? '', by: 'ann' });
  expect(await system.client.result(waiting)).toMatchObject({
    outcome: 'succeeded',
    outputs: { name: { value: 'sealed' } },
  });
  expect(await approved(operation(stackId, { operation: 'destroy' }))).toMatchObject({
    outcome: 'succeeded',
  });
});
