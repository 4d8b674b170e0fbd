/** Drift checks by schedule: each drift is told once, over restarts; a check that fails stops nothing; rules start operations. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type { ScheduledRefreshResult } from '../../src/contract/schedule.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { moduleImages } from '../table/module-image.js';
import { outside } from '../table/row.js';
import { command } from '../support/command.js';
import { createLocalSystem, uniqueStack, type LocalSystem } from '../support/local-system.js';
import { outsideProviderMirror } from '../support/outside-provider.js';
import { startOutsideWorld, type OutsideWorld } from '../support/outside-world.js';

const MODULE = outside(`
resource "outside_thing" "a" {
  name  = "a"
  value = "made"
}
`);
/** A check, or what it leads to, may take this long on a slow machine. */
const SOON = { timeout: 90_000, interval: 500 };

const abort = new AbortController();
const stack = uniqueStack('drifting');
let system: LocalSystem;
let world: OutsideWorld;
let connection: Connection;

beforeAll(async () => {
  world = await startOutsideWorld();
  system = await createLocalSystem({ durable: true });
  const { opentofu } = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['opentofu'],
    signal: abort.signal,
    report: () => undefined,
  });
  const image = await moduleImages(
    system.engine,
    opentofu,
    await outsideProviderMirror(),
    abort.signal,
  )(MODULE);
  await system.startWorker();
  connection = await Connection.connect({ address: system.address });
  const started = await system.client.start({
    stackId: stack,
    operation: 'apply',
    module: { image },
    environment: world.containerEnvironment,
    approval: { mode: 'auto', expiresIn: '1h' },
  });
  expect((await system.client.result(started)).outcome).toBe('succeeded');
}, 600_000);
afterAll(async () => {
  abort.abort();
  await connection?.close();
  await system.close();
  await world.close();
});

const run = (...argv: string[]) => command(argv, { env: system.env });

interface Check {
  readonly status: string;
  readonly result?: ScheduledRefreshResult;
  readonly error?: string;
}

/** Every check that ended, oldest first. */
async function checks(): Promise<Check[]> {
  const client = new Client({ connection });
  const ended: (Check & { at: number })[] = [];
  const query = `WorkflowType = 'scheduledRefresh' AND ExecutionStatus != 'Running'`;
  for await (const { workflowId, runId, status, startTime } of client.workflow.list({ query })) {
    const handle = client.workflow.getHandle(workflowId, runId);
    const end = await handle.result().then(
      (result: unknown) => ({ result: result as ScheduledRefreshResult }),
      (error: Error) => ({ error: String(error.cause) }),
    );
    ended.push({ status: status.name, at: startTime.getTime(), ...end });
  }
  return ended.sort((a, b) => a.at - b.at);
}

const words = async (): Promise<string[]> =>
  (await checks()).map(({ result, status }) => result?.drift ?? status);

/** Waits for two more checks to end: what they say is what checks say now. */
async function twoMore(): Promise<Check[]> {
  const before = (await checks()).length;
  await expect.poll(async () => (await checks()).length, SOON).toBeGreaterThanOrEqual(before + 2);
  return (await checks()).slice(before);
}

test('a schedule is refused for a stack that is not there, and for a time that never comes', async () => {
  const unknown = await run('schedule', 'set', 'nowhere', '--every', '1h');
  expect(unknown).toMatchObject({ exitCode: 2 });
  expect(unknown.stderr).toContain('there is no stack nowhere');
  const never = await run('schedule', 'set', stack, '--cron', '0 0 30 2 *');
  expect(never).toMatchObject({ exitCode: 2 });
  expect(never.stderr).toMatch(/cron 0 0 30 2 \* never comes/);
  const wrong = await run('schedule', 'set', stack, '--cron', 'now and then');
  expect(wrong).toMatchObject({ exitCode: 2 });
  expect(wrong.stderr).toContain('CronString does not have 5-7 fields');
  const both = await run('schedule', 'set', stack, '--every', '1h', '--cron', '@daily');
  expect(both.stderr).toContain('exactly one of every, cron and calendars says when; 2 given');
  expect((await run('schedule', 'list')).stdout).toBe('no schedules\n');
});

test('checks come by themselves, take no lock, and tell the same drift once', async () => {
  const made = await run('schedule', 'set', stack, '--every', '3s', '--jitter', '0s');
  expect(made.stderr).toBe('');
  expect(made).toMatchObject({ exitCode: 0 });
  await twoMore();
  expect(new Set(await words())).toEqual(new Set(['none']));
  world.change('a', { value: 'by hand' });
  await expect.poll(words, SOON).toContain('known');
  const told = (await checks()).filter(({ result }) => result?.drift === 'new');
  expect(told).toHaveLength(1);
  expect(told[0]?.result).toMatchObject({ stackId: stack, summary: { update: 1 } });
  expect((await system.client.stack(stack)).drift).toMatchObject({
    fingerprint: told[0]?.result?.fingerprint,
  });
  const listed = JSON.parse((await run('schedule', 'list', '--json')).stdout) as {
    last: { hasDrift?: boolean };
  };
  expect(listed).toMatchObject({ stackId: stack, paused: false, last: { hasDrift: true } });
});

test('a restart of the server makes no second report of it', async () => {
  await system.restartTemporal();
  await expect
    .poll(async () => (await twoMore().catch(() => [])).map(({ result }) => result?.drift), {
      timeout: 110_000,
      interval: 500,
    })
    .toEqual(expect.arrayContaining(['known']));
  expect((await words()).filter((word) => word === 'new')).toHaveLength(1);
});

test('a check that fails says why, and the next one comes', async () => {
  world.behave('a', 'read', { fail: 'the region is down' });
  await expect.poll(words, SOON).toContain('FAILED');
  expect((await checks()).findLast(({ status }) => status === 'FAILED')?.error).toContain(
    'the region is down',
  );
  world.behave('a', 'read', undefined);
  await expect.poll(async () => (await words()).at(-1), SOON).toBe('known');
});

test('by rule drift starts an operation that asks first; while it waits checks go on', async () => {
  const set = await run(
    ...['schedule', 'set', stack, '--every', '3s', '--jitter', '0s', '--on-drift', 'accept'],
  );
  expect(set).toMatchObject({ exitCode: 0 });
  const ready = async () =>
    (await system.client.describe(stack)).requestedBy === 'schedule' &&
    (await system.client.state(stack)).phase;
  await expect.poll(ready, SOON).toBe('awaiting-approval');
  const started = (await checks()).filter(({ result }) => result?.started !== undefined);
  expect(started).toHaveLength(1);
  const during = await twoMore();
  expect(during.map(({ result }) => result?.drift)).toEqual(during.map(() => 'known'));
  expect(during.filter(({ result }) => result?.started !== undefined)).toEqual([]);
  const plan = await system.client.plan(stack);
  await system.client.approve(stack, { planDigest: plan?.planDigest ?? '', by: 'ann' });
  expect(await system.client.result(stack)).toMatchObject({
    outcome: 'succeeded',
    operation: 'refresh',
  });
  await expect.poll(async () => (await words()).at(-1), SOON).toBe('none');
  expect((await system.client.stack(stack)).drift).toBeUndefined();
  expect(world.thing('a')?.properties).toMatchObject({ value: 'by hand' });
});

test('a file keeps the set of schedules in step, a pause by hand included', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'schedules-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'schedules.yaml');
  await writeFile(file, `stacks:\n  ${stack}: {every: 1h}\n`);
  expect((await run('schedule', 'pause', stack, '--note', 'maintenance')).exitCode).toBe(0);
  const changed = await run('schedule', 'sync', file, '--json');
  expect(JSON.parse(changed.stdout)).toEqual({
    created: [],
    updated: [stack],
    unchanged: [],
    deleted: [],
  });
  const shown = await run('schedule', 'show', stack);
  expect(shown.stdout).toMatch(/When +every 1h\n/);
  expect(shown.stdout).toMatch(/Next +paused\n/);
  expect(JSON.parse((await run('schedule', 'sync', file, '--json')).stdout)).toMatchObject({
    unchanged: [stack],
  });
  expect((await run('schedule', 'resume', stack)).exitCode).toBe(0);
  const before = (await checks()).length;
  expect((await run('schedule', 'trigger', stack)).exitCode).toBe(0);
  await expect.poll(async () => (await checks()).length, SOON).toBe(before + 1);
  await writeFile(file, 'stacks: {}\n');
  expect((await run('schedule', 'sync', file, '--prune')).stdout).toContain(`deleted  ${stack}`);
  const gone = await run('schedule', 'show', stack);
  expect(gone).toMatchObject({ exitCode: 2 });
  expect(gone.stderr).toContain(`stack ${stack} has no schedule`);
});
