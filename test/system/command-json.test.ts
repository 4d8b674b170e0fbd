/** `--json` of every command: what a program that calls the command reads from stdout, and nothing else. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandPaths } from '../../cli/command-paths.js';
import { command, startCommand } from '../support/command.js';
import { createLocalSystem, uniqueStack, type LocalSystem } from '../support/local-system.js';

const stack = uniqueStack('json');
const image = `cldctl-test/${stack}:1`;
const digest = expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string;
const started = {
  stackId: stack,
  workflowId: `stack:${stack}`,
  runId: expect.any(String) as string,
};
const ran = new Set<string>();
let system: LocalSystem;
let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cldctl-json-'));
  system = await createLocalSystem();
  await system.startWorker();
});
afterAll(async () => {
  await system.close();
  await system.engine.docker
    .getImage(image)
    .remove({ force: true })
    .catch(() => undefined);
  await rm(directory, { recursive: true, force: true });
});

interface Options {
  readonly exitCode?: number;
  readonly stdin?: string;
  /** Default: that of the system. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The values on stdout, one a line; a line that is no JSON fails. */
async function values(path: string, argv: string[], options: Options = {}): Promise<unknown[]> {
  ran.add(path);
  const { exitCode, stdout, stderr } = await command([...path.split(' '), ...argv, '--json'], {
    env: options.env ?? system.env,
    stdin: options.stdin ?? '',
  });
  expect(exitCode, `${stdout}\n${stderr}`).toBe(options.exitCode ?? 0);
  expect(stdout.endsWith('\n')).toBe(true);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

async function document<T = object>(
  path: string,
  argv: string[],
  options: Options = {},
): Promise<T> {
  const all = await values(path, argv, options);
  expect(all).toHaveLength(1);
  return all[0] as T;
}

interface Waiting {
  readonly plan: { readonly planDigest: string };
}

test('without Temporal: detect, build, exec, images, completion, doctor', async () => {
  const module = 'test/fixtures/modules/greeting';
  expect(await document('detect', [module])).toMatchObject({ engine: 'opentofu' });
  expect(await document('build', [module, '--tag', image])).toMatchObject({ imageId: digest });
  const request = JSON.stringify({ action: 'preview', inputs: { greeting: 'hi' } });
  expect(await document('exec', [image, '--request', '-'], { stdin: request })).toMatchObject({
    success: true,
    action: 'preview',
    summary: { create: 3 },
  });
  expect(await document('images build', [])).toMatchObject({
    opentofu: expect.any(String) as string,
  });
  expect(await document('completion', ['bash'])).toMatchObject({
    shell: 'bash',
    script: expect.stringContaining('cldctl-iac') as string,
  });
  const { findings } = await document<{ findings: object[] }>('doctor', []);
  expect(findings).toContainEqual(
    expect.objectContaining({ subject: expect.any(String) as string, status: 'ok' }),
  );
});

test('a stack from its first preview to its end', async () => {
  const module = ['--module', image];
  const inputs = [...module, '--input', 'greeting=hi'];
  expect(await document('preview', [stack, ...inputs])).toMatchObject({
    stackId: stack,
    plan: { summary: { create: 3 } },
    result: { outcome: 'succeeded' },
  });
  const { plan } = await document<Waiting>('apply', [stack, ...inputs, '--until', 'plan']);
  expect(plan).toMatchObject({ planDigest: digest, summary: { create: 3 } });
  expect(await document('status', [stack])).toMatchObject({
    stackId: stack,
    operation: { ...started, status: 'running' },
    state: { phase: 'awaiting-approval', planDigest: plan.planDigest },
    stack: null,
  });
  expect(await document('plan show', [stack])).toMatchObject({ planDigest: plan.planDigest });
  expect(await values('plan list', [stack])).toContainEqual(
    expect.objectContaining({ stackId: stack, digest: plan.planDigest }),
  );
  expect(
    await document('reject', [stack, '--plan', plan.planDigest, '--wait'], { exitCode: 3 }),
  ).toMatchObject({ ...started, decision: 'reject', result: { outcome: 'rejected' } });
  const imports = [stack, 'terraform_data.line[0]=x', ...inputs, '--until', 'plan'];
  expect(await document('import', imports)).toMatchObject({
    ...started,
    ready: { phase: 'awaiting-approval' },
    plan: { operation: 'import' },
  });
  expect(await document('cancel', [stack])).toMatchObject({
    ...started,
    outcome: 'OperationCanceled',
  });
  const second = await document<Waiting>('apply', [stack, ...inputs, '--until', 'plan']);
  const approve = [stack, '--plan', second.plan.planDigest, '--wait'];
  expect(await document('approve', approve)).toMatchObject({
    ...started,
    decision: 'approve',
    approvals: { have: 1, need: 1 },
    result: { outcome: 'succeeded', outputs: { greeting: { value: 'hi' } } },
  });
  expect(await document('outputs', [stack])).toMatchObject({
    greeting: { value: 'hi' },
    secret: { sensitive: true },
  });
  expect(await document('outputs', [stack, 'greeting'])).toEqual({ value: 'hi' });
  expect(await values('list', [])).toEqual([
    expect.objectContaining({ stackId: stack, running: null, last: expect.anything() as object }),
  ]);
  await expect
    .poll(() => values('operations', ['--stack', stack]))
    .toContainEqual(expect.objectContaining({ ...started, outcome: 'succeeded' }));
  expect(await values('logs', [stack])).toContainEqual({
    at: expect.any(String) as string,
    step: expect.stringContaining('apply') as string,
    text: expect.stringContaining('terraform_data.line[0]') as string,
  });

  expect(await document('refresh', [stack, '--until', 'end'])).toMatchObject({
    ...started,
    result: { outcome: 'no-changes', hasDrift: false },
  });

  const [version] = await document<{ version: number }[]>('state versions', [stack]);
  expect(version).toMatchObject({ operation: 'apply', resources: 3 });
  const exported = join(directory, 'exported.tfstate');
  expect(await document('state export', [stack, '--output', exported])).toMatchObject({
    stackId: stack,
    file: exported,
  });
  const restore = [stack, String(version?.version), '--yes'];
  expect(await document('state restore', restore)).toMatchObject({
    stackId: stack,
    state: { version: expect.any(Number) as number },
  });
  const nothingLost = await document('resume', [stack], { exitCode: 2 });
  expect(nothingLost).toMatchObject({ error: { code: 'InvalidInput' } });
  const notReleased = /^lock no-such-lock was not released: [\w :]*not locked$/;
  expect(await document('unlock', [stack, 'no-such-lock', '--yes'])).toMatchObject({
    plan: { operation: 'refresh', notices: [expect.stringMatching(notReleased)] },
  });
  const destroy = await document<Waiting>('destroy', [stack, '--until', 'started']);
  expect(destroy).toMatchObject(started);
  await document('cancel', [stack]);
});

test('schedules', async () => {
  const view = { stackId: stack, paused: false };
  expect(await document('schedule set', [stack, '--every', '1h'])).toMatchObject(view);
  expect(await values('schedule list', [])).toEqual([expect.objectContaining(view)]);
  expect(await document('schedule show', [stack])).toMatchObject(view);
  for (const verb of ['pause', 'resume', 'trigger'])
    expect(await document(`schedule ${verb}`, [stack])).toMatchObject({ stackId: stack });
  const file = join(directory, 'schedules.yaml');
  await writeFile(file, `stacks:\n  ${stack}:\n    every: 2h\n`);
  expect(await document('schedule sync', [file])).toMatchObject({ updated: [stack] });
  expect(await document('schedule delete', [stack])).toMatchObject({ stackId: stack });
});

test('keys', async () => {
  const file = join(directory, 'keys');
  const backup = await document<{ installation: string }>('keys backup', [file]);
  expect(backup).toMatchObject({ file, sealed: false });
  expect(await document('keys rotate', [])).toMatchObject({
    installation: backup.installation,
    damaged: [],
  });
});

test('an error is a document too', async () => {
  const failed = await document('status', ['no-such-stack'], { exitCode: 2 });
  expect(failed).toMatchObject({ error: { code: 'StackNotFound' } });
});

test('the demo', async () => {
  expect(await document('demo', [], { env: {} })).toMatchObject({
    apply: { outcome: 'succeeded' },
    second: { outcome: 'no-changes' },
    destroy: { outcome: 'succeeded' },
  });
}, 300_000);

test('a worker says where it serves when it is ready', async () => {
  ran.add('worker');
  const worker = startCommand(['worker', '--json'], { env: system.env });
  await worker.seen('"ready"');
  worker.signal('SIGTERM');
  const { stdout } = await worker.done;
  for (const line of stdout.trimEnd().split('\n')) JSON.parse(line);
});

test('no command is left out', () => {
  const paths = commandPaths().map((path) => path.join(' '));
  const commands = paths.filter((path) => !paths.some((other) => other.startsWith(`${path} `)));
  expect(commands.filter((path) => !ran.has(path))).toEqual([]);
});
