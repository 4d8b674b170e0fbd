/** A module directory that the worker builds for two platforms and pushes as one image, of which its engine's own runs. */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type {
  ModuleSource,
  OperationInput,
  OperationResult,
} from '../../src/contract/operation.js';
import { packArchive } from '../../src/docker/archive.js';
import { untagImages } from '../../src/docker/untag-images.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { startRegistry, type LocalRegistry } from '../../src/setup/registry.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { command } from '../support/command.js';
import { imageFiles, programPlatform } from '../support/image-files.js';
import { createLocalSystem, uniqueStack, type LocalSystem } from '../support/local-system.js';
import { outsideProviderMirror } from '../support/outside-provider.js';

const PLATFORMS = ['linux/amd64', 'linux/arm64'];
const MODULE = `terraform {
  required_providers {
    outside = { source = "cldctl/outside" }
  }
}
provider "outside" {
  directory = "/workspace/world"
}
variable "name" { type = string }
resource "outside_thing" "a" {
  name = var.name
}
output "name" {
  value = outside_thing.a.name
}
`;
const INDEX = 'application/vnd.docker.distribution.manifest.list.v2+json';
const ACCEPTED = [
  INDEX,
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
].join(', ');

let root: string;
let registry: LocalRegistry;
let system: LocalSystem;

beforeAll(async () => {
  const { registry: program } = await prepareLocalSystem({
    need: ['registry', 'opentofu-amd64', 'opentofu-arm64'],
    ...setupSettings(loadConfig(process.env)),
    signal: new AbortController().signal,
    report: () => undefined,
  });
  registry = await startRegistry({ program });
  root = await mkdtemp(join(tmpdir(), 'worker-platforms-'));
  const mirror = join(root, 'mirror');
  for (const architecture of ['amd64', 'arm64'] as const)
    await cp(await outsideProviderMirror(architecture), mirror, { recursive: true });
  await mkdir(join(root, 'modules', 'both'), { recursive: true });
  await writeFile(join(root, 'modules', 'both', 'main.tf'), MODULE);
  system = await createLocalSystem({
    env: {
      CLDCTL_MODULES_ROOT: join(root, 'modules'),
      CLDCTL_PROVIDER_MIRROR: mirror,
      CLDCTL_REGISTRY: `${registry.address}/modules`,
    },
  });
  await system.startWorker();
}, 1_200_000);
afterAll(async () => {
  await system?.close();
  for (const prefix of [`${registry?.address}/modules/`, 'cldctl-module/both', ARCHIVES])
    if (system !== undefined) await untagImages(system.engine, prefix);
  await registry?.stop();
  await rm(root, { recursive: true, force: true });
});
const ARCHIVES = 'cldctl-module/cldctl-module-';

const input = (
  module: ModuleSource | undefined,
  stackId = uniqueStack('both'),
): OperationInput => ({
  stackId,
  operation: 'apply',
  ...(module === undefined ? {} : { module }),
  inputs: { name: 'a' },
  limits: { network: 'none' },
  approval: { mode: 'auto', expiresIn: '1h' },
});

async function run(given: OperationInput): Promise<OperationResult> {
  return system.client.result(await system.client.start(given));
}

interface Entry {
  readonly digest: string;
  readonly platform: { readonly os: string; readonly architecture: string };
}

/** What the registry has under a reference by digest: `os/architecture` and digest of each image. */
async function index(reference: string): Promise<{ platform: string; digest: string }[]> {
  const [repository = '', digest = ''] = reference.slice(registry.address.length + 1).split('@');
  const url = `http://${registry.address}/v2/${repository}/manifests/${digest}`;
  const answer = await fetch(url, { headers: { accept: ACCEPTED } });
  const { manifests = [] } = (await answer.json()) as { manifests?: Entry[] };
  return manifests.map(({ platform: { os, architecture }, digest: of }) => ({
    platform: `${os}/${architecture}`,
    digest: of,
  }));
}

/** Tags of a module in the registry. */
async function tagsOf(module: string): Promise<string[]> {
  const answer = await fetch(`http://${registry.address}/v2/modules/${module}/tags/list`);
  return ((await answer.json()) as { tags: string[] }).tags;
}

/** Platforms of programs in an image that is pulled by digest. */
async function programsOf(
  reference: string,
  paths: readonly string[],
): Promise<(string | undefined)[]> {
  const { docker } = system.engine;
  const stream = await docker.pull(reference);
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error)));
  });
  return (await imageFiles(system.engine, reference, paths)).map(programPlatform);
}

test('both are built and pushed as one index, the engine’s own runs, and a later operation finds it by that digest', async () => {
  const stackId = uniqueStack('both');
  const first = await run(input({ path: 'both', platforms: PLATFORMS }, stackId));
  expect(first).toMatchObject({ outcome: 'succeeded', outputs: { name: { value: 'a' } } });
  const image = first.image ?? '';
  expect(image).toMatch(new RegExp(`^${registry.address}/modules/both@sha256:[0-9a-f]{64}$`));
  const found = await index(image);
  expect(found.map(({ platform }) => platform)).toEqual(PLATFORMS);
  for (const { platform, digest } of found) {
    const one = `${image.split('@')[0] ?? ''}@${digest}`;
    const own = platform.replace('/', '_');
    const provider = `/opt/cldctl/providers/registry.opentofu.org/cldctl/outside/1.0.0/${own}/terraform-provider-outside_v1.0.0`;
    const programs = await programsOf(one, ['/cldctl-entrypoint', '/usr/local/bin/tofu', provider]);
    expect(programs).toEqual([platform, platform, platform]);
  }
  const { Os, Architecture } = await system.engine.docker.getImage(image).inspect();
  expect(`${Os}/${Architecture}`).toBe(system.engine.platform);
  // Whoever has none of it gets the image of their platform under the same name.
  await untagImages(system.engine, `${registry.address}/modules/`);
  await untagImages(system.engine, 'cldctl-module/both');
  await expect(system.engine.docker.getImage(image).inspect()).rejects.toThrow(/no such image/i);
  const later = await run({ ...input(undefined, stackId), inputs: { name: 'b' } });
  expect(later).toMatchObject({ outcome: 'succeeded', image, outputs: { name: { value: 'b' } } });
});

test('unchanged sources push nothing new, in whichever order the platforms are named: the same index runs', async () => {
  const { image } = await run(input({ path: 'both', platforms: PLATFORMS }));
  const again = await run(input({ path: 'both', platforms: PLATFORMS.toReversed() }));
  expect(again.image).toBe(image);
  // One platform alone is another image, which takes no tag from both.
  const tags = await tagsOf('both');
  const one = await run(input({ path: 'both' }));
  expect(one.image).not.toBe(image);
  expect(await index(image ?? '')).toHaveLength(2);
  expect((await tagsOf('both')).length).toBe(tags.length + 1);
});

test('the command does it with a directory that it uploads', async () => {
  const directory = join(root, 'elsewhere');
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'main.tf'), `${MODULE}# another\n`);
  const { HOME: _none, CLDCTL_MODULES_ROOT: _root, ...env } = system.env as Record<string, string>;
  const apply = (...words: string[]) =>
    command(['apply', uniqueStack('both'), '--input', 'name=a', ...words], { env });
  const { stdout, stderr, exitCode } = await apply(
    ...['--module', directory, '--platform', PLATFORMS.join(), '--approval', 'auto', '--json'],
  );
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  const { result } = JSON.parse(stdout) as { result: OperationResult };
  const { image = '' } = result;
  expect((await index(image)).map(({ platform }) => platform)).toEqual(PLATFORMS);
  const refused = await apply('--module', 'some/image:1', '--platform', PLATFORMS.join());
  expect(refused.exitCode).not.toBe(0);
  expect(refused.stderr).toContain('--platform: an image is not built; name a directory');
});

describe('refused before anything is built', () => {
  const other = (): string[] => PLATFORMS.filter((each) => each !== system.engine.platform);

  test.each([
    ['without the platform that it runs on', () => other(), 'InvalidInput', 'runs on'],
    [
      'a platform that no image is made for',
      () => [system.engine.platform, 'linux/riscv64'],
      'InvalidInput',
      'linux/riscv64',
    ],
    ['one named twice', () => PLATFORMS.concat(PLATFORMS), 'InvalidInput', 'once'],
    ['no name of a platform', () => ['amd64'], 'InvalidInput', 'os/architecture'],
  ])('%s', async (_name, platforms, code, words) => {
    await expect(run(input({ path: 'both', platforms: platforms() }))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words) as string,
    });
  });

  test('platforms of an image', async () => {
    const source = { image: 'some/image:1', platforms: PLATFORMS } as unknown as ModuleSource;
    await expect(run(input(source))).rejects.toMatchObject({ code: 'InvalidInput' });
  });

  test('by a worker that has no registry', async () => {
    const alone = await createLocalSystem();
    try {
      await alone.startWorker();
      const bytes = await packArchive([
        { name: 'main.tf', bytes: MODULE, mode: 0o644, uid: 0, gid: 0 },
      ]);
      const store = await alone.openStore();
      const archive = await store.artefacts.put(bytes);
      store.close();
      const started = await alone.client.start(input({ archive, platforms: PLATFORMS }));
      await expect(alone.client.result(started)).rejects.toMatchObject({
        code: 'InvalidConfiguration',
        message: expect.stringContaining('CLDCTL_REGISTRY') as string,
      });
    } finally {
      await alone.close();
    }
  });
});
