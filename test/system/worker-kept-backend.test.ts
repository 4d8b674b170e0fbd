/** Stacks whose module keeps its own `http` backend: where their state is, whose its lock is, and who releases it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type { StartedOperation } from '../../src/client/index.js';
import type { OperationInput, OperationResult } from '../../src/contract/operation.js';
import { CodedError } from '../../src/errors.js';
import { previewPrefix } from '../../src/operation/container-names.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { moduleImages } from '../table/module-image.js';
import { outside } from '../table/row.js';
import { allHistories } from '../support/all-histories.js';
import { codeBlocks, commandLines } from '../support/code-blocks.js';
import { command } from '../support/command.js';
import { startHttpStateServer, type HttpStateServer } from '../support/http-state-server.js';
import { createLocalSystem, uniqueStack, type LocalSystem } from '../support/local-system.js';
import { outsideProviderMirror } from '../support/outside-provider.js';
import { startOutsideWorld, type OutsideWorld } from '../support/outside-world.js';

const MODULE = outside(`
terraform {
  backend "http" {}
}
variable "stack" { type = string }
variable "value" { type = string }
resource "outside_thing" "a" {
  name  = "\${var.stack}-a"
  value = var.value
}
`);
const FOREIGN = '11111111-2222-4333-8444-555555555555';

const abort = new AbortController();
let world: OutsideWorld;
let server: HttpStateServer;
let system: LocalSystem;
let image: string;

beforeAll(async () => {
  const { opentofu } = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['opentofu'],
    signal: abort.signal,
    report: () => undefined,
  });
  world = await startOutsideWorld();
  server = await startHttpStateServer();
  system = await createLocalSystem({
    env: { CLDCTL_SECRETS_ENV: 'TF_HTTP_PASSWORD', TF_HTTP_PASSWORD: server.password },
  });
  const mirror = await outsideProviderMirror();
  image = await moduleImages(system.engine, opentofu, mirror, abort.signal)(MODULE);
  await system.startWorker();
}, 900_000);
afterAll(async () => {
  abort.abort();
  await system?.close();
  await server?.close();
  await world?.close();
});

/** An apply that nobody has to approve and that keeps the backend; the password comes from the worker. */
function operation(stackId: string, value = 'old', more: Partial<OperationInput> = {}) {
  return {
    stackId,
    operation: 'apply',
    module: { image },
    inputs: { stack: stackId, value },
    environment: { ...world.containerEnvironment, ...server.environment(stackId) },
    credentials: ['TF_HTTP_PASSWORD'],
    options: { keepBackend: true },
    approval: { mode: 'auto', expiresIn: '1h' },
    ...more,
  } satisfies OperationInput;
}

async function endOf(started: StartedOperation): Promise<CodedError | OperationResult> {
  return system.client.result(started).catch((error: unknown) => {
    if (error instanceof CodedError) return error;
    throw error;
  });
}

async function done(input: OperationInput): Promise<CodedError | OperationResult> {
  return endOf(await system.client.start(input));
}

/** Why the step that is tried again failed. */
async function reason(started: StartedOperation): Promise<string> {
  return (await system.client.describe(started)).retry?.reason ?? '';
}

test('the state is there and not in the store, also for operations that do not say so again; the password is nowhere', async () => {
  const stackId = uniqueStack('kept');
  expect(await done(operation(stackId))).toMatchObject({
    outcome: 'succeeded',
    receipt: { done: 1, unapproved: 0 },
  });
  expect(server.state(stackId)).toContain(`${stackId}-a`);
  expect(server.lock(stackId)).toBeUndefined();
  const store = await system.openStore();
  try {
    for await (const { key } of store.objects.list('states/')) expect(key).toBeUndefined();
  } finally {
    store.close();
  }
  const onChanges = { mode: 'on-changes', expiresIn: '1h' } as const;
  // With the module named, and with nothing but the stack.
  const again = operation(stackId, 'old', { options: {}, approval: onChanges });
  expect(await done(again)).toMatchObject({ outcome: 'no-changes' });
  expect(await done({ stackId, operation: 'apply', approval: onChanges })).toMatchObject({
    outcome: 'no-changes',
  });
  const gone = { stackId, operation: 'destroy', approval: { mode: 'auto', expiresIn: '1h' } };
  expect(await done(gone as OperationInput)).toMatchObject({
    outcome: 'succeeded',
    summary: { delete: 1 },
  });
  expect(world.namesOf(stackId)).toEqual([]);
  expect(await allHistories(system.address)).not.toContain(server.password);
});

test('the command does it as the documentation says', async () => {
  const stackId = uniqueStack('command');
  const { TF_HTTP_ADDRESS: address = '' } = server.environment(stackId);
  const [line = ''] = codeBlocks('docs/state.md').flatMap(({ code, runBy }) =>
    runBy === 'test/system/worker-kept-backend.test.ts' ? commandLines(code) : [],
  );
  const words = line
    .replaceAll('https://states.example.com/my-db', address)
    .replace('my-db --module ./my-db', `${stackId} --module ${image}`)
    .replace('USERNAME=iac', 'USERNAME=user')
    .split(/ +/)
    .slice(1);
  const { exitCode, stderr } = await command(
    [
      ...[...words, '--approval', 'auto', '--input', `stack=${stackId}`, '--input', 'value=old'],
      ...['--env', `OUTSIDE_URL=${world.containerEnvironment.OUTSIDE_URL}`],
    ],
    { env: system.env },
  );
  expect(exitCode, stderr).toBe(0);
  expect(server.state(stackId)).toContain(`${stackId}-a`);
});

test('the lock of an apply whose container was killed is released by the next operation', async () => {
  const stackId = uniqueStack('own');
  const held = world.hold(`${stackId}-a`, 'create');
  const started = await system.client.start(operation(stackId));
  await held.reached;
  // While it runs nobody robs it of its lock.
  const robbed = await system.client.unlock(stackId, FOREIGN, operation(stackId));
  expect(await endOf(robbed)).toMatchObject({ code: 'StackBusy' });
  const [container] = await system.containers(stackId);
  await system.engine.docker.getContainer(container?.id ?? '').kill({ signal: 'SIGKILL' });
  held.release();
  const lost = await endOf(started);
  expect(lost).toMatchObject({ code: 'OutcomeUnknown' });
  expect((lost as CodedError).message).toContain('its state is in the backend');
  expect(server.lock(stackId)?.Who).toContain(stackId);
  // Nothing has been applied yet, and still it is known where to look.
  const next = await system.client.startAndWaitPlan(operation(stackId, 'old', { options: {} }));
  expect(next.ready.phase).toBe('awaiting-approval');
  expect(server.lock(stackId)).toBeUndefined();
  await system.client.approve(next, { planDigest: next.ready.planDigest ?? '', by: 'ann' });
  expect(await endOf(next)).toMatchObject({ outcome: 'succeeded', receipt: { unapproved: 0 } });
  expect(server.state(stackId)).toContain(`${stackId}-a`);
});

test('the lock of a preview whose container is gone is released as well', async () => {
  const stackId = uniqueStack('preview');
  const { installation } = await system.openStore().then((store) => (store.close(), store));
  server.lockAs(stackId, {
    ID: FOREIGN,
    Who: `module@${previewPrefix(installation, system.engine.id)}0123456789abcdef0123`,
    Created: new Date(Date.now() - 60_000).toISOString(),
  });
  const started = await system.client.start(operation(stackId));
  expect(await endOf(started)).toMatchObject({ outcome: 'succeeded' });
  const plan = await system.client.plan(started);
  expect(plan?.notices).toEqual([`lock ${FOREIGN} was released`]);
});

test("another's lock is waited for, told with holder, age and the command, and released by a person only", async () => {
  const stackId = uniqueStack('foreign');
  server.lockAs(stackId, {
    ID: FOREIGN,
    Who: 'ann@laptop',
    Operation: 'OperationTypeApply',
    Created: new Date(Date.now() - 3 * 3_600_000).toISOString(),
  });
  const started = await system.client.start(operation(stackId));
  await expect
    .poll(() => reason(started), { timeout: 60_000 })
    .toMatch(
      new RegExp(
        `^StateLocked: the state is locked by ann@laptop \\(OperationTypeApply\\) since .*, 3 h: it is waited for.*cldctl-iac unlock ${stackId} ${FOREIGN} --keep-backend$`,
      ),
    );
  // A lock that another has taken meanwhile is not released for this one, and its holder is told.
  const wrong = await system.client.unlock(stackId, FOREIGN.replace(/1/g, '9'), operation(stackId));
  const refused = await endOf(wrong);
  expect(refused).toMatchObject({ code: 'StateLocked' });
  expect((refused as CodedError).message).toContain('ann@laptop');
  const { HOME: _none, ...env } = system.env as Record<string, string>;
  const { environment = {} } = operation(stackId);
  const unlock = (...more: string[]) =>
    command(
      [
        ...['unlock', stackId, FOREIGN, '--keep-backend', '--module', image],
        ...['--input', `stack=${stackId}`, '--input', 'value=old'],
        ...['--credential', 'TF_HTTP_PASSWORD'],
        ...Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
        ...more,
      ],
      { env },
    );
  const unsure = await unlock();
  expect(unsure.stderr).toContain('--yes');
  expect(unsure.exitCode).not.toBe(0);
  expect(server.lock(stackId)?.ID).toBe(FOREIGN);
  const released = await unlock('--yes');
  expect(`${released.stdout}${released.stderr}`).toContain(`lock ${FOREIGN} was released`);
  // What waited for the lock goes on by itself.
  expect(await endOf(started)).toMatchObject({ outcome: 'succeeded' });
  expect(server.lock(stackId)).toBeUndefined();
});

test.each([
  ['an id only', { ID: 'x-1' }, /somebody whom the backend does not name.*unlock \S+ x-1/],
  // The tool then shows the lock that it asked for as the one that is held.
  ['nothing', 'locked, come back later', /its backend does not say by whom/],
])('a lock of which the server says %s is waited for', async (_, lock, told) => {
  const stackId = uniqueStack('unnamed');
  server.lockAs(stackId, lock);
  const started = await system.client.start(operation(stackId));
  await expect.poll(() => reason(started), { timeout: 60_000 }).toMatch(told);
  expect(server.lock(stackId)).toBeDefined();
  server.lockAs(stackId, undefined);
  expect(await endOf(started)).toMatchObject({ outcome: 'succeeded' });
  expect((await system.client.plan(started))?.notices).toEqual([]);
});

test('the tool itself waits as long as it is told', async () => {
  const stackId = uniqueStack('timeout');
  server.lockAs(stackId, { ID: FOREIGN, Who: 'ann@laptop', Created: new Date().toISOString() });
  const options = { keepBackend: true, lockTimeout: '5m' };
  const started = await system.client.start(operation(stackId, 'old', { options }));
  await expect.poll(() => server.refusals(stackId), { timeout: 60_000 }).toBeGreaterThan(2);
  expect(await reason(started)).toBe('');
  server.lockAs(stackId, undefined);
  expect(await endOf(started)).toMatchObject({ outcome: 'succeeded' });
});

test('a server that is away is waited for, also by a plan that was approved; nothing is planned again', async () => {
  const stackId = uniqueStack('away');
  server.answerWith(stackId, 'close');
  const asked = { approval: { mode: 'required', expiresIn: '1h' } } as const;
  const started = await system.client.start(operation(stackId, 'old', asked));
  await expect.poll(() => reason(started), { timeout: 60_000 }).toMatch(/^StoreUnavailable: /);
  server.answerWith(stackId, undefined);
  const { planDigest = '' } = await system.client.waitPlan(started);
  server.answerWith(stackId, 503);
  await system.client.approve(started, { planDigest, by: 'ann' });
  await expect.poll(() => reason(started), { timeout: 60_000 }).toMatch(/^StoreUnavailable: /);
  server.answerWith(stackId, undefined);
  expect(await endOf(started)).toMatchObject({ outcome: 'succeeded', planDigest });
});

test('a state that the server did not take is kept in the store; the next operation still looks there, and asks', async () => {
  const stackId = uniqueStack('unwritten');
  const held = world.hold(`${stackId}-a`, 'create');
  const started = await system.client.start(operation(stackId));
  await held.reached;
  server.answerWith(stackId, 'close');
  held.release();
  const lost = await endOf(started);
  expect(lost).toMatchObject({ code: 'StateDamaged' });
  const [, version = ''] =
    /cldctl-iac state export \S+ (\d+)/.exec((lost as CodedError).message) ?? [];
  const kept = await command(['state', 'export', stackId, version], { env: system.env });
  expect(kept.stdout).toContain(`${stackId}-a`);
  server.answerWith(stackId, undefined);
  const next = await system.client.startAndWaitPlan(operation(stackId, 'old', { options: {} }));
  expect(next.ready.phase).toBe('awaiting-approval');
  const plan = await system.client.plan(next);
  expect(plan?.summary.create).toBe(1);
  expect(plan?.lostRun?.untracked).toEqual(['outside_thing.a']);
  expect(server.lock(stackId)).toBeUndefined();
  await system.client.reject(next, { planDigest: next.ready.planDigest ?? '', by: 'ann' });
  expect(await endOf(next)).toMatchObject({ outcome: 'rejected' });
});

test.each([
  ['a refused login', 401, /look at user and password/],
  ['a server without locks', 405, /look at addresses and methods/],
])('%s ends the operation at once', async (_, status, told) => {
  const stackId = uniqueStack('refused');
  server.answerWith(stackId, status);
  const end = await done(operation(stackId));
  expect(end).toMatchObject({ code: 'InvalidConfiguration' });
  expect((end as CodedError).message).toMatch(told);
});
