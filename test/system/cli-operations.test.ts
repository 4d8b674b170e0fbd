import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { startTemporalServer, type TemporalServer } from '../../src/setup/temporal-server.js';
import { command, startCommand, type RunningCommand } from '../support/command.js';

const stack = `cli-${randomBytes(3).toString('hex')}`;
const image = `cldctl-test/${stack}:1`;
let directory = '';
let temporal: TemporalServer | undefined;
let worker: RunningCommand | undefined;
let env: Record<string, string> = {};

const run = (...argv: string[]): ReturnType<typeof command> => command(argv, { env });
const json = async <T = Record<string, unknown>>(...argv: string[]): Promise<T> => {
  const { stdout, stderr } = await run(...argv, '--json');
  expect(stdout, stderr).not.toBe('');
  return JSON.parse(stdout) as T;
};
/** Starts an operation and returns what it says when its plan waits. */
const until = (...argv: string[]) =>
  json<{ plan: { planDigest: string } }>(...argv, '--until', 'plan');

beforeAll(async () => {
  const { temporal: binary } = await prepareLocalSystem({
    need: ['temporal', 'engine', 'opentofu'],
    ...setupSettings(loadConfig(process.env)),
    signal: new AbortController().signal,
    report: () => undefined,
  });
  directory = await mkdtemp(join(tmpdir(), 'cldctl-cli-'));
  temporal = await startTemporalServer({ binary });
  env = {
    TEMPORAL_ADDRESS: temporal.address,
    CLDCTL_UI_URL: temporal.uiUrl,
    CLDCTL_STORE: pathToFileURL(join(directory, 'store')).href,
    CLDCTL_MODULES_ROOT: join(packageRoot(), 'test', 'fixtures', 'modules'),
    CLDCTL_LOG_LEVEL: 'error',
  };
  worker = startCommand(['worker', '--create-key'], { env });
  await worker.seen('worker ready');
});

afterAll(async () => {
  worker?.signal('SIGTERM');
  await worker?.done;
  await temporal?.stop();
  await rm(directory, { recursive: true, force: true });
  await new Docker()
    .getImage(image)
    .remove({ force: true })
    .catch(() => undefined);
});

describe('a stack from the command line', () => {
  it('is applied only after an approval from elsewhere, of exactly the plan that waits', async () => {
    const apply = startCommand(
      ['apply', stack, '--module', 'test/fixtures/modules/greeting', '--input', 'greeting=hello'],
      { env },
    );
    await apply.seen('waiting for a decision; approve with: cldctl-iac approve');

    const status = await run('status', stack);
    expect(status.stdout).toContain('awaiting-approval');
    const digest = /--plan ([0-9a-f]{16})/.exec(status.stdout)?.[1] ?? '';

    const shown = await run('plan', 'show', stack);
    expect(shown.stdout).toContain('# terraform_data.line[0] will be created');
    expect(shown.stdout).toContain('+ input  = "hello 0"');
    expect(shown.stdout).toContain('(sensitive value)');
    expect(shown.stdout).toContain('Plan: 3 to add, 0 to change, 0 to destroy');

    const unnamed = await run('approve', stack);
    expect(unnamed.exitCode).toBe(2);
    expect(unnamed.stderr).toContain(`approve with --plan ${digest}`);
    const wrong = await run('approve', stack, '--plan', '0'.repeat(16));
    expect(wrong.exitCode).not.toBe(0);
    expect(wrong.stderr).toMatch(/^error: \w+: /);

    const busy = await run('destroy', stack);
    expect(busy.exitCode).toBe(4);
    expect(busy.stderr).toContain('error: StackBusy: ');

    const approved = await run('approve', stack, '--plan', digest, '--comment', 'looks right');
    expect(approved.exitCode, approved.stderr).toBe(0);
    const result = await apply.done;
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.stdout).toContain('Receipt: 3 done');
    expect(result.stdout).toContain('greeting = "hello"');
    expect(result.stdout).toContain('Temporal UI: ');
    expect(result.stdout + result.stderr).not.toContain('not-to-be-seen');
  });

  it('gives its outputs, the sensitive ones only to who holds the key', async () => {
    expect(await json('outputs', stack)).toMatchObject({
      greeting: { value: 'hello' },
      lines: { value: ['hello 0', 'hello 1'] },
      secret: { sensitive: true },
    });
    expect((await run('outputs', stack, 'greeting')).stdout).toBe('hello\n');
    const hidden = await run('outputs', stack, 'secret');
    expect(hidden.exitCode).toBe(2);
    expect(hidden.stderr).toContain('--show-sensitive');
    expect((await run('outputs', stack, 'secret', '--show-sensitive')).stdout).toBe(
      'not-to-be-seen-4711\n',
    );
    const none = await run('outputs', stack, 'nothing');
    expect(none.stderr).toContain('it has: greeting, lines, secret');
  });

  it('has nothing to do when it is applied again', async () => {
    const again = await run('apply', stack, '--input', 'greeting=hello');
    expect(again.exitCode, again.stderr).toBe(0);
    expect(again.stdout).toContain('No changes.');
    expect(again.stdout).toContain('Nothing to do:');
  });

  it('is previewed without a lock, and the exit code tells whether there are changes', async () => {
    const preview = ['preview', stack, '--detailed-exitcode', '--input'];
    expect((await run(...preview, 'greeting=hello')).exitCode).toBe(0);
    const changed = await run(...preview, 'greeting=bye');
    expect(changed.exitCode, changed.stderr).toBe(10);
    expect(changed.stdout).toContain('~ input  = "hello 0" -> "bye 0"');
  });

  it('is left as it is by a rejection', async () => {
    const ready = await until('apply', stack, '--input', 'greeting=bye');
    const { planDigest } = ready.plan;
    const rejected = await run('reject', stack, '--plan', planDigest, '--wait');
    expect(rejected.exitCode).toBe(3);
    expect(await json('outputs', stack)).toMatchObject({ greeting: { value: 'hello' } });
  });

  it('ends with 3 when it is cancelled while it waits', async () => {
    const waiting = startCommand(['apply', stack, '--input', 'greeting=bye'], { env });
    await waiting.seen('waiting for a decision');
    expect((await run('cancel', stack)).exitCode).toBe(0);
    const { exitCode, stderr } = await waiting.done;
    expect(exitCode, stderr).toBe(3);
    expect(stderr).toContain('error: OperationCanceled: ');
  });

  it('goes on waiting when Ctrl-C ends the watching', async () => {
    const watching = startCommand(['apply', stack, '--input', 'greeting=bye'], { env });
    await watching.seen('waiting for a decision');
    watching.signal('SIGINT');
    const { exitCode, stderr } = await watching.done;
    expect(exitCode).toBe(130);
    expect(stderr).toContain(`cldctl-iac cancel ${stack}`);
    expect((await run('status', stack)).stdout).toContain('awaiting-approval');
    expect((await run('cancel', stack)).exitCode).toBe(0);
  });

  it('names a missing and an undeclared input before anything starts', async () => {
    const missing = await run(
      'preview',
      `${stack}-other`,
      '--module',
      'test/fixtures/modules/greeting',
    );
    expect(missing.exitCode).toBe(2);
    expect(missing.stderr).toMatch(/^error: InvalidInput: .*greeting/m);
    const unknown = await run('preview', stack, '--input', 'greeting=x', '--input', 'nope=1');
    expect(unknown.exitCode).toBe(2);
    expect(unknown.stderr).toMatch(/^error: InvalidInput: .*nope/m);
  });

  it('refuses a bad stack id and a directory that is not there', async () => {
    expect((await run('preview', 'Bad_ID', '--module', 'x:1')).exitCode).toBe(2);
    const nowhere = await run('preview', stack, '--module', './nowhere');
    expect(nowhere.exitCode).toBe(2);
    expect(nowhere.stderr).toContain('error: ModuleNotFound: ');
  });

  it('says which step is tried again, when and why', async () => {
    const waiting = `${stack}-away`;
    // Nothing listens there.
    await run('apply', waiting, '--module', '127.0.0.1:1/none:1', '--until', 'started');
    const status = async () => (await run('status', waiting)).stdout;
    await expect
      .poll(status, { timeout: 30_000 })
      .toMatch(/Trying again +try \d+( at \d\d:\d\d:\d\d)?: RegistryUnavailable: .*127\.0\.0\.1:1/);
    expect((await run('cancel', waiting)).exitCode).toBe(0);
  });

  it('lists operations, and versions of its state, and goes back to one', async () => {
    const { stdout } = await run('operations', '--stack', stack);
    expect(stdout).toContain('STACK');
    expect(stdout).toContain('apply');
    const [version] = await json<{ version: number }[]>('state', 'versions', stack);
    const wanted = String(version?.version);
    const restored = await json<{ state: { version: number } }>(
      ...['state', 'restore', stack, wanted],
    );
    expect(restored.state.version).toBeGreaterThan(version?.version ?? 0);
    const exported = await run('state', 'export', stack);
    expect(JSON.parse(exported.stdout)).toMatchObject({ version: 4 });
  });

  it('is destroyed after a plan and an approval', async () => {
    const ready = await until('destroy', stack);
    const approved = await run('approve', stack, '--plan', ready.plan.planDigest, '--wait');
    expect(approved.exitCode, approved.stderr).toBe(0);
    expect(approved.stdout).toContain('Receipt: 3 done');
    expect(await json('outputs', stack)).toEqual({});
  });
});

describe('without Temporal', () => {
  it('a module is detected, built once, and run', async () => {
    const module = 'test/fixtures/modules/greeting';
    expect(await json('detect', module)).toMatchObject({ engine: 'opentofu' });
    const first = await json<{ imageId: string }>('build', module, '--tag', image);
    expect(await json('build', module, '--tag', image)).toMatchObject({
      imageId: first.imageId,
      cached: true,
    });
    const request = JSON.stringify({
      action: 'apply',
      inputs: { greeting: 'hi' },
      stack_name: stack,
    });
    const done = await command(['exec', image, '--request', '-'], { env, stdin: request });
    expect(done.exitCode, done.stderr).toBe(0);
    expect(JSON.parse(done.stdout)).toMatchObject({
      success: true,
      action: 'apply',
      approved: false,
      outputs: { greeting: { value: 'hi' } },
    });
    const failed = await command(['exec', image, '--request', '-'], {
      env,
      stdin: JSON.stringify({ action: 'dance', inputs: {} }),
    });
    expect(failed.exitCode).toBe(2);
    expect(failed.stderr).toContain('InvalidInput');
  });
});
