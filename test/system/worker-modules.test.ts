import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type {
  ModuleSource,
  OperationInput,
  OperationResult,
} from '../../src/contract/operation.js';
import { packArchive } from '../../src/docker/archive.js';
import { untagImages } from '../../src/docker/untag-images.js';
import { CodedError } from '../../src/errors.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { startRegistry, type LocalRegistry } from '../../src/setup/registry.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { createLocalSystem, uniqueStack, type LocalSystem } from '../support/local-system.js';

const GREETING = `
variable "name" { type = string }
resource "terraform_data" "greeting" { input = "hello \${var.name}" }
output "greeting" { value = terraform_data.greeting.output }
`;

let root: string;
let registry: LocalRegistry;
let system: LocalSystem;

beforeAll(async () => {
  const { registry: program } = await prepareLocalSystem({
    need: ['registry', 'opentofu'],
    ...setupSettings(loadConfig(process.env)),
    signal: new AbortController().signal,
    report: () => undefined,
  });
  registry = await startRegistry({ program });
  root = await mkdtemp(join(tmpdir(), 'cldctl-modules-'));
  await module('greeting', GREETING);
  system = await createLocalSystem({
    env: { CLDCTL_MODULES_ROOT: root, CLDCTL_REGISTRY: `${registry.address}/modules` },
  });
  await system.startWorker();
});
afterAll(async () => {
  await system.close();
  for (const prefix of [`${registry.address}/modules/`, 'cldctl-module/cldctl-module-'])
    await untagImages(system.engine, prefix);
  await registry.stop();
  await rm(root, { recursive: true, force: true });
});

async function module(name: string, source: string): Promise<void> {
  await mkdir(join(root, name), { recursive: true });
  await writeFile(join(root, name, 'main.tf'), source);
}

const input = (source: ModuleSource, more: Partial<OperationInput> = {}): OperationInput => ({
  stackId: uniqueStack('module'),
  operation: 'apply',
  module: source,
  inputs: { name: 'you' },
  limits: { network: 'none' },
  approval: { mode: 'auto', expiresIn: '1h' },
  ...more,
});

async function run(given: OperationInput): Promise<OperationResult> {
  return system.client.result(await system.client.start(given));
}

async function failure(given: OperationInput): Promise<CodedError> {
  const error = await run(given).then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CodedError);
  return error as CodedError;
}

test('a directory is built, pushed, and run by the digest that the registry gave', async () => {
  const first = await run(input({ path: 'greeting' }));
  expect(first).toMatchObject({
    outcome: 'succeeded',
    outputs: { greeting: { value: 'hello you' } },
  });
  expect(first.image).toMatch(
    new RegExp(`^${registry.address}/modules/greeting@sha256:[0-9a-f]{64}$`),
  );
  const again = await run(input({ path: 'greeting' }));
  expect(again.image).toBe(first.image);
});

test('an archive in the store is built as the directory is', async () => {
  const bytes = await packArchive([
    { name: 'main.tf', bytes: GREETING, mode: 0o644, uid: 0, gid: 0 },
  ]);
  const store = await system.openStore();
  const archive = await store.artefacts.put(bytes);
  store.close();
  expect(await run(input({ archive }))).toMatchObject({
    outputs: { greeting: { value: 'hello you' } },
  });
});

test('a tag that moves after the plan was made changes nothing: the approved image runs', async () => {
  const given = input({ path: 'greeting' }, { approval: { mode: 'required', expiresIn: '1h' } });
  const started = await system.client.startAndWaitPlan(given);
  await module('greeting', GREETING.replace('hello', 'moved'));
  await run(input({ path: 'greeting' }));
  await system.client.approve(started, { planDigest: started.ready.planDigest ?? '', by: 'ann' });
  const result = await system.client.result(started);
  expect(result.outputs).toEqual({ greeting: { value: 'hello you' } });
});

test('an image that only the registry has is pulled, and known by its digest', async () => {
  await module('pulled', GREETING);
  const { image = '' } = await run(input({ path: 'pulled' }));
  await system.engine.docker.getImage(image).remove({ force: true });
  const result = await run(input({ image }));
  expect(result).toMatchObject({ outcome: 'succeeded', image });
});

test.each([
  ['a directory that is not there', { path: 'nowhere' }, 'ModuleNotFound', 'nowhere'],
  ['a path out of the modules root', { path: '../../etc' }, 'InvalidInput', 'leads out'],
  [
    'an archive that is not in the store',
    { archive: `sha256:${'0'.repeat(64)}` },
    'InvalidInput',
    'no artefact',
  ],
])('%s', async (_name, source, code, words) => {
  const error = await failure(input(source as ModuleSource));
  expect(error).toMatchObject({ code });
  expect(error.message).toContain(words);
});

test('a directory without a module', async () => {
  await mkdir(join(root, 'empty'), { recursive: true });
  expect((await failure(input({ path: 'empty' }))).code).toBe('InvalidModule');
});

test('a broken module is told with file and line', async () => {
  await module('broken', 'resource "terraform_data" "x" {\n  input = \n}\n');
  const error = await failure(input({ path: 'broken' }));
  expect(JSON.stringify([error.message, error.detail])).toContain('main.tf');
  expect(['BuildFailed', 'InvalidModule', 'ModuleFailed']).toContain(error.code);
});
