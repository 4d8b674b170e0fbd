/** A stack that lived in plain OpenTofu comes in by its state file, and leaves the same way. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command, type CommandResult } from '../support/command.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';
import { tofuExecutable } from '../support/tofu.js';

const MODULE = `
variable "name" { type = string }
resource "terraform_data" "a" { input = var.name }
resource "terraform_data" "b" { triggers_replace = var.name }
output "name" { value = terraform_data.a.output }
`;

const stackId = uniqueStack('elsewhere');
let system: LocalSystem;
let image: string;
let folder: string;
let tofu: string;

beforeAll(async () => {
  system = await createLocalSystem();
  image = await tofuModule(system.engine, MODULE);
  tofu = await tofuExecutable(new AbortController().signal);
  folder = await mkdtemp(join(tmpdir(), 'elsewhere-'));
  await writeFile(join(folder, 'main.tf'), MODULE);
  await system.startWorker();
});
afterAll(async () => {
  await system.close();
  await rm(folder, { recursive: true, force: true });
});

const bare = (...words: string[]): Promise<unknown> =>
  promisify(execFile)(tofu, [...words, '-no-color', '-input=false'], { cwd: folder });
const run = (...argv: string[]): Promise<CommandResult> => command(argv, { env: system.env });
const preview = (name: string): Promise<CommandResult> =>
  run(
    ...['preview', stackId, '--module', image, '--network', 'none'],
    ...['--input', `name=${name}`, '--detailed-exitcode'],
  );

test('its state comes in before anything ran, and its module has nothing to change', async () => {
  await bare('init');
  await bare('apply', '-auto-approve', '-var', 'name=one');
  const restored = await run(
    ...['state', 'restore', stackId, '--file', join(folder, 'terraform.tfstate')],
  );
  expect(restored.stderr).toBe('');
  expect(restored.stdout).toMatch(/^restored: 2 resources, serial \d+, lineage [0-9a-f-]{36}$/m);
  expect(restored.stdout).toContain(`${stackId} is at version 1 of its state`);
  const same = await preview('one');
  expect(same.exitCode, same.stderr).toBe(0);
});

test('what is no state, or the state of another stack, does not come in', async () => {
  const other = join(folder, 'other.tfstate');
  const state = JSON.parse(await readFile(join(folder, 'terraform.tfstate'), 'utf8')) as object;
  await writeFile(
    other,
    JSON.stringify({ ...state, lineage: '00000000-0000-4000-8000-000000000000' }),
  );
  const foreign = await run('state', 'restore', stackId, '--file', other);
  expect(foreign.exitCode).toBe(2);
  expect(foreign.stderr).toContain('this is the state of another stack');
  const nothing = await run(
    ...['state', 'restore', uniqueStack('none'), '--file', join(folder, 'main.tf')],
  );
  expect(nothing.exitCode).toBe(2);
  expect(nothing.stderr).toContain('this is neither an OpenTofu nor a Pulumi state');
  const versionless = await run('state', 'restore', uniqueStack('none'), '1');
  expect(versionless.stderr).toContain('error: StackNotFound: ');
});

test('it is changed here, and the bare tool goes on from what it exports', async () => {
  const started = await system.client.start({
    stackId,
    operation: 'apply',
    module: { image },
    inputs: { name: 'two' },
    limits: { network: 'none' },
    approval: { mode: 'auto', expiresIn: '1h' },
  });
  expect(await system.client.result(started)).toMatchObject({
    outcome: 'succeeded',
    receipt: { done: 2, failed: 0, unapproved: 0 },
  });
  await rm(join(folder, 'terraform.tfstate'));
  const exported = await run(
    ...['state', 'export', stackId, '-o', join(folder, 'terraform.tfstate')],
  );
  expect(exported.exitCode, exported.stderr).toBe(0);
  // Exits 0 when nothing is to be changed, 2 else.
  await bare('plan', '-detailed-exitcode', '-var', 'name=two');
});
