/** Images of two platforms, built on one of them and pushed as one. */
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig, type Config } from '../../src/config.js';
import type { Engine } from '../../src/docker/engine.js';
import { platformReference } from '../../src/docker/registry-manifest.js';
import { architectureOf } from '../../src/setup/architecture.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { startRegistry, type LocalRegistry } from '../../src/setup/registry.js';
import { runCommand } from '../../src/setup/run-command.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { createBuilder, type Builder, type BuildResult } from '../../src/standalone/builder.js';
import { createExecutor, type Executor } from '../../src/standalone/executor.js';
import { codeBlocks, commandLines } from '../support/code-blocks.js';
import { command } from '../support/command.js';
import { imageFiles, programPlatform } from '../support/image-files.js';
import { outsideProviderMirror } from '../support/outside-provider.js';
import { testEngine, uniqueName } from '../support/test-engine.js';

// htpasswd -nbBC 5 user secret
const HTPASSWD = 'user:$2y$05$1zQPDbaKMxkBXHK1XIBzquUTSZHImfRbvijZ6tL93W/MPSVUuRglq';
const LOGIN = Buffer.from('user:secret').toString('base64');
const PLATFORMS = ['linux/amd64', 'linux/arm64'];
const PROVIDER = 'registry.opentofu.org/cldctl/outside/1.0.0';
const MODULE = `terraform {
  required_providers {
    outside = { source = "cldctl/outside" }
  }
}
provider "outside" {
  directory = "/workspace/world"
}
module "child" {
  source = "./child"
}
resource "outside_thing" "a" {
  name = "a"
}
output "name" {
  value = outside_thing.a.name
}
`;

let engine: Engine;
let folder: string;
let config: Config;
let registry: LocalRegistry;
let builder: Builder;
let executor: Executor;
let built: BuildResult;
let pushed: { reference: string; digest: string };
let tag: string;

beforeAll(async () => {
  engine = await testEngine();
  folder = await mkdtemp(join(tmpdir(), 'platforms-'));
  // One mirror with the packages of both.
  const mirror = join(folder, 'mirror');
  for (const architecture of ['amd64', 'arm64'] as const)
    await cp(await outsideProviderMirror(architecture), mirror, { recursive: true });
  const { registry: program } = await prepareLocalSystem({
    need: ['registry', 'opentofu-amd64', 'opentofu-arm64'],
    ...setupSettings(loadConfig(process.env)),
    signal: new AbortController().signal,
    report: () => undefined,
  });
  registry = await startRegistry({ program, htpasswd: HTPASSWD });
  await writeFile(
    join(folder, 'config.json'),
    JSON.stringify({ auths: { [registry.address]: { auth: LOGIN } } }),
  );
  config = loadConfig({
    ...process.env,
    DOCKER_CONFIG: folder,
    CLDCTL_STORE: pathToFileURL(join(folder, 'store')).href,
    CLDCTL_PROVIDER_MIRROR: mirror,
  });
  builder = await createBuilder({ engine, config });
  executor = await createExecutor({ engine, config });
  tag = `${registry.address}/test/${uniqueName('platforms')}:v1`;
  built = await builder.build({ moduleDir: await moduleDirectory(), tag, platforms: PLATFORMS });
  pushed = await builder.push(tag, { platforms: PLATFORMS });
}, 1_200_000);
afterAll(async () => {
  await executor?.close();
  // By digest too, and what was taken from this registry under a name of ours.
  const port = registry?.address.split(':')[1] ?? 'none';
  for (const { RepoTags, RepoDigests } of await engine.docker.listImages({ digests: true }))
    for (const name of [...(RepoTags ?? []), ...(RepoDigests ?? [])])
      if (name.includes(`127.0.0.1:${port}/`) || name.includes(`127.0.0.1-${port}-`))
        await engine.docker
          .getImage(name)
          .remove()
          .catch(() => undefined);
  await registry?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function moduleDirectory(): Promise<string> {
  const directory = await mkdtemp(join(folder, 'module-'));
  await mkdir(join(directory, 'child'));
  await writeFile(join(directory, 'main.tf'), MODULE);
  await writeFile(join(directory, 'child', 'main.tf'), 'resource "terraform_data" "b" {}\n');
  return directory;
}
const platformName = (platform: string): string => `${tag}-${platform.split('/')[1]}`;

/** A document of the registry's, by tag or digest. */
async function ask(
  kind: 'manifests' | 'blobs',
  name: string,
  repository = tag.slice(registry.address.length + 1).replace(/:v1$/, ''),
): Promise<Response> {
  return fetch(`http://${registry.address}/v2/${repository}/${kind}/${name}`, {
    headers: {
      authorization: `Basic ${LOGIN}`,
      accept: [
        'application/vnd.docker.distribution.manifest.v2+json',
        'application/vnd.docker.distribution.manifest.list.v2+json',
        'application/vnd.oci.image.manifest.v1+json',
        'application/vnd.oci.image.index.v1+json',
      ].join(', '),
    },
  });
}

describe('an image of two platforms', () => {
  test('is one index in the registry, each manifest with an image for the platform that the index says', async () => {
    const answer = await ask('manifests', 'v1');
    expect(answer.headers.get('docker-content-digest')).toBe(pushed.digest);
    expect(pushed.reference).toBe(`${tag.replace(/:v1$/, '')}@${pushed.digest}`);
    const { manifests } = (await answer.json()) as {
      manifests: { digest: string; platform: { os: string; architecture: string } }[];
    };
    expect(manifests.map(({ platform: { os, architecture } }) => `${os}/${architecture}`)).toEqual(
      PLATFORMS,
    );
    for (const { digest, platform } of manifests) {
      const manifest = (await (await ask('manifests', digest)).json()) as {
        config: { digest: string };
      };
      expect(await (await ask('blobs', manifest.config.digest)).json()).toMatchObject(platform);
    }
  });

  test.each(PLATFORMS)('%s: entrypoint, tool and provider are programs of it', async (platform) => {
    const image = built.images.find((one) => one.platform === platform);
    const found = await engine.docker.getImage(image?.imageId ?? '').inspect();
    expect(`${found.Os}/${found.Architecture}`).toBe(platform);
    expect(found.Config).toMatchObject({
      User: '10001:10001',
      Entrypoint: ['/cldctl-entrypoint'],
      Labels: { 'dev.cldctl.contract': '1', 'dev.cldctl.engine': 'opentofu' },
    });
    const own = platform.replace('/', '_');
    const programs = await imageFiles(engine, image?.imageId ?? '', [
      '/cldctl-entrypoint',
      '/usr/local/bin/tofu',
      `/opt/cldctl/providers/${PROVIDER}/${own}/terraform-provider-outside_v1.0.0`,
    ]);
    expect(programs.map(programPlatform)).toEqual([platform, platform, platform]);
  });

  test('the lock files name the package of their platform, and what the module takes and gives is the same', async () => {
    const paths = ['/module/.terraform.lock.hcl', '/cldctl/module.json', '/module/child/main.tf'];
    const [amd64 = [], arm64 = []] = await Promise.all(
      built.images.map(({ imageId }) => imageFiles(engine, imageId, paths)),
    );
    const hashes = (lock: Buffer | undefined): string[] => lock?.toString().match(/h1:\S+/g) ?? [];
    expect(hashes(amd64[0])).toHaveLength(1);
    expect(hashes(arm64[0])).toHaveLength(1);
    expect(hashes(arm64[0])).not.toEqual(hashes(amd64[0]));
    expect(arm64.slice(1)).toEqual(amd64.slice(1));
    expect(built.description?.outputs).toHaveProperty('name');
  });

  test('whoever pulls the tag gets the image of their platform, and it runs', async () => {
    await engine.docker.getImage(tag).remove();
    const answer = await executor.execute({
      image: tag,
      request: { action: 'apply', stack_name: uniqueName('index') },
      limits: { network: 'none' },
    });
    expect(answer).toMatchObject({ success: true, outputs: { name: { value: 'a' } } });
    const own = built.images.find(({ platform }) => platform === engine.platform);
    expect((await engine.docker.getImage(tag).inspect()).Id).toBe(own?.imageId);
  });

  test('the image of another platform is refused before anything starts', async () => {
    const other = PLATFORMS.find((platform) => platform !== engine.platform) ?? '';
    const failing = executor.execute({
      image: platformName(other),
      request: { action: 'preview', stack_name: uniqueName('other') },
    });
    await expect(failing).rejects.toMatchObject({
      code: 'InvalidModule',
      message: expect.stringContaining(`is for ${other}, but the Docker engine runs`) as string,
    });
  });

  test('one platform’s image is found in the index, to be pulled without the tag', async () => {
    const auth = { username: 'user', password: 'secret', serveraddress: registry.address };
    const find = (platform: string): Promise<string> =>
      platformReference(engine, { reference: tag, auth }, platform, new AbortController().signal);
    const { manifests } = (await (await ask('manifests', 'v1')).json()) as {
      manifests: { digest: string }[];
    };
    expect(await Promise.all(PLATFORMS.map(find))).toEqual(
      manifests.map(({ digest }) => `${tag.replace(/:v1$/, '')}@${digest}`),
    );
    await expect(find('linux/riscv64')).rejects.toMatchObject({ code: 'ModuleNotFound' });
  });

  test('unchanged sources build nothing for either', async () => {
    const again = await builder.build({
      moduleDir: await moduleDirectory(),
      tag,
      platforms: PLATFORMS,
    });
    expect(again).toMatchObject({
      cached: true,
      images: built.images.map(({ imageId }) => ({ imageId })),
    });
  });
});

test('the command does it as the documentation says, and names each image', async () => {
  const [line = ''] = codeBlocks('docs/modules-opentofu.md').flatMap(({ code, runBy }) =>
    runBy === 'test/engine/platforms.test.ts' ? commandLines(code) : [],
  );
  const cwd = await mkdtemp(join(folder, 'command-'));
  await cp(await moduleDirectory(), join(cwd, 'my-module'), { recursive: true });
  const words = line.replace('registry.example.com', registry.address).split(' ').slice(1);
  const { exitCode, stdout, stderr } = await command(words, {
    cwd,
    env: { DOCKER_CONFIG: folder, CLDCTL_PROVIDER_MIRROR: config.providerMirror ?? '' },
  });
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  const name = `${registry.address}/modules/my-module`;
  for (const suffix of ['', '-amd64', '-arm64']) {
    const found = await engine.docker.getImage(`${name}:1${suffix}`).inspect();
    if (suffix !== '') {
      expect(stdout).toContain(`${name}:1${suffix}`);
      expect(suffix).toBe(`-${found.Architecture}`);
    }
    await engine.docker.getImage(`${name}:1${suffix}`).remove();
  }
  const digest = /Pushed +\S+@(sha256:[0-9a-f]{64})/.exec(stdout)?.[1];
  const answer = await ask('manifests', '1', 'modules/my-module');
  expect(answer.headers.get('docker-content-digest')).toBe(digest);
  expect(await answer.json()).toMatchObject({ manifests: [{}, {}] });
});

test('base images of both are pushed as one each, and one of them is taken for a build', async () => {
  const prefix = `${registry.address}/bases`;
  const names = ['entrypoint', 'opentofu'];
  const { exitCode, stdout, stderr } = await command(
    ['images', 'build', ...names, '--platform', PLATFORMS.join(), '--push', prefix, '--json'],
    { env: { DOCKER_CONFIG: folder } },
  );
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  const { pushed } = JSON.parse(stdout) as { pushed: Record<string, string> };
  for (const name of names) {
    const [repository = '', digest = ''] = pushed[name]?.split('@') ?? [];
    const index = await ask('manifests', digest, repository.slice(registry.address.length + 1));
    expect(await index.json()).toMatchObject({
      manifests: PLATFORMS.map((platform) => ({
        platform: { architecture: architectureOf(platform) },
      })),
    });
  }
  const other = PLATFORMS.find((platform) => platform !== engine.platform) ?? '';
  const elsewhere = await createBuilder({
    engine,
    config: { ...config, images: { opentofu: pushed['opentofu'] ?? '' } },
  });
  const taken = await elsewhere.build({
    moduleDir: await moduleDirectory(),
    platforms: [other],
    tag: `cldctl-test/${uniqueName('elsewhere')}:1`,
  });
  const found = await engine.docker.getImage(taken.imageId).inspect();
  expect(`${found.Os}/${found.Architecture}`).toBe(other);
  await engine.docker.getImage(taken.reference).remove();
});

describe('packed providers and a lock file of the module', () => {
  const sums: Record<string, string> = {};
  let packed: Builder;
  beforeAll(async () => {
    const mirror = join(folder, 'packed');
    const place = join(mirror, 'registry.opentofu.org/cldctl/outside');
    await mkdir(place, { recursive: true });
    for (const architecture of ['amd64', 'arm64'] as const) {
      const program = `${PROVIDER}/linux_${architecture}/terraform-provider-outside_v1.0.0`;
      const archive = join(place, `terraform-provider-outside_1.0.0_linux_${architecture}.zip`);
      const files = ['-m', 'zipfile', '-c', archive, join(config.providerMirror ?? '', program)];
      await runCommand('python3', files, { signal: new AbortController().signal });
      sums[architecture] = createHash('sha256')
        .update(await readFile(archive))
        .digest('hex');
    }
    packed = await createBuilder({ engine, config: { ...config, providerMirror: mirror } });
  });
  const build = async (locked: readonly string[]): Promise<BuildResult> => {
    const moduleDir = await moduleDirectory();
    const hashes = locked.map((architecture) => `"zh:${sums[architecture]}",`).join(' ');
    await writeFile(
      join(moduleDir, '.terraform.lock.hcl'),
      `provider "registry.opentofu.org/cldctl/outside" {\n  version = "1.0.0"\n  hashes = [${hashes}]\n}\n`,
    );
    return packed.build({
      moduleDir,
      platforms: PLATFORMS,
      tag: `cldctl-test/${uniqueName('packed')}:1`,
    });
  };

  test('give each platform its program, verified by the lock file', async () => {
    const { reference, images } = await build(['amd64', 'arm64']);
    for (const { platform, imageId } of images) {
      const own = platform.replace('/', '_');
      const path = `/opt/cldctl/providers/${PROVIDER}/${own}/terraform-provider-outside_v1.0.0`;
      const [program] = await imageFiles(engine, imageId, [path]);
      expect(programPlatform(program)).toBe(platform);
    }
    for (const name of [reference, ...images.map(({ reference }) => reference)])
      await engine.docker.getImage(name).remove();
  });

  test('fail the build for a platform whose checksum the lock file lacks', async () => {
    await expect(build([architectureOf(engine.platform) ?? ''])).rejects.toMatchObject({
      code: 'BuildFailed',
      detail: { step: expect.stringContaining('"platform"') as string },
    });
  });
});

test('a provider that the mirror has for one platform only is named', async () => {
  const single = await createBuilder({
    engine,
    config: {
      ...config,
      providerMirror: await outsideProviderMirror(architectureOf(engine.platform)),
    },
  });
  const other = PLATFORMS.find((platform) => platform !== engine.platform) ?? '';
  const failing = single.build({ moduleDir: await moduleDirectory(), platforms: [other] });
  await expect(failing).rejects.toMatchObject({
    code: 'BuildFailed',
    message: expect.stringContaining(
      `provider ${PROVIDER.replace(/\/1/, ' 1')} is not in the mirror for ${other.replace('/', '_')}`,
    ) as string,
  });
});
