/** Providers and child modules from a server over TLS, whose certificate only the configuration knows. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { packArchive } from '../../src/docker/archive.js';
import type { Engine } from '../../src/docker/engine.js';
import { CodedError } from '../../src/errors.js';
import { architectures } from '../../src/setup/architecture.js';
import { createBuilder } from '../../src/standalone/builder.js';
import { imageFiles, programPlatform } from '../support/image-files.js';
import { startNetworkMirror, type NetworkMirror } from '../support/network-mirror.js';
import { outsideProviderMirror } from '../support/outside-provider.js';
import { startOutsideWorld } from '../support/outside-world.js';
import { runOnce } from '../support/run-once.js';
import { testEngine, uniqueName } from '../support/test-engine.js';
import { writeModule } from '../support/tofu.js';

const abort = new AbortController();
const tags: string[] = [];
let engine: Engine;
let mirror: NetworkMirror;
let folder: string;
let directory: string;
let module: string;

const SOURCE = `terraform {
  required_providers {
    outside = {
      source  = "cldctl/outside"
      version = "~> 1.0"
    }
  }
}
resource "outside_thing" "a" {
  name = "a"
}
`;
const CHILD = '/modules/child.tar.gz';

beforeAll(async () => {
  engine = await testEngine();
  folder = await mkdtemp(join(tmpdir(), 'from-network-'));
  directory = join(folder, 'mirror');
  for (const architecture of architectures)
    await cp(await outsideProviderMirror(architecture), directory, { recursive: true });
  mirror = await startNetworkMirror(directory, { [CHILD]: await childModule() });
  module = join(folder, 'module');
  await writeModule(module, { 'main.tf': SOURCE });
}, 600_000);
afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  abort.abort();
  await mirror.close();
  await rm(folder, { recursive: true, force: true });
  for (const tag of tags) await engine.docker.getImage(tag).remove({ force: true });
});

/** A module that runs a script of its own. */
async function childModule(): Promise<Buffer> {
  const owner = { uid: 0, gid: 0 };
  const source = `resource "terraform_data" "c" {
  provisioner "local-exec" { command = "\${path.module}/greet" }
}
`;
  const archive = await packArchive([
    { name: 'main.tf', bytes: source, mode: 0o644, ...owner },
    { name: 'greet', bytes: '#!/bin/sh\necho hello from the child\n', mode: 0o755, ...owner },
  ]);
  return gzipSync(archive);
}

/** Builds a module anew; the environment names the mirror's certificate unless told otherwise. */
async function build(
  url: string,
  certificates = mirror.certificates,
  moduleDir = module,
  platforms = [engine.platform],
) {
  vi.stubEnv('NODE_EXTRA_CA_CERTS', certificates);
  const builder = await createBuilder({
    engine,
    config: loadConfig({ ...process.env, CLDCTL_PROVIDER_MIRROR: url }),
  });
  const tag = `cldctl-test/network-mirror:${uniqueName('one')}`;
  const result = await builder.build({ moduleDir, tag, platforms, noCache: true });
  tags.push(tag);
  return result;
}

async function failure(building: Promise<unknown>): Promise<CodedError> {
  const error = await building.then(
    () => new Error('it was built'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CodedError);
  return error as CodedError;
}

test('are baked in, and the module runs without any network but the socket it was granted', async () => {
  const { reference } = await build(mirror.url);
  const base = '/providers/registry.opentofu.org/cldctl/outside';
  expect(mirror.requests).toContain(`${base}/index.json`);
  expect(mirror.requests).toContain(`${base}/1.0.0.json`);
  expect(mirror.requests.filter((path) => path.endsWith('.zip'))).toHaveLength(1);
  const asked = mirror.requests.length;
  const world = await startOutsideWorld();
  try {
    const { response } = await runOnce(engine, {
      image: reference,
      request: { action: 'apply', environment: world.withoutNetwork.environment },
      dockerSocket: world.withoutNetwork.dockerSocket,
      signal: abort.signal,
    });
    expect(response).toMatchObject({ success: true, receipt: { done: 1 } });
    expect(world.thing('a')).toBeDefined();
  } finally {
    await world.close();
  }
  expect(mirror.requests).toHaveLength(asked);
  // What the build trusted stays behind.
  const { Config: image } = await engine.docker.getImage(reference).inspect();
  expect((image.Env ?? []).filter((variable) => variable.includes('certificates'))).toEqual([]);
});

test('a URL without a slash at its end is the same', async () => {
  await build(mirror.url.replace(/\/$/, ''));
});

test('a mirror that is away is named by the error', async () => {
  const away = new URL(mirror.url);
  away.port = '1';
  const error = await failure(build(away.href));
  expect(error.code).toBe('BuildFailed');
  expect(error.message).toContain(away.href);
  expect(error.detail?.logTail).toMatch(/connection refused/);
});

test('a mirror without the provider, and one whose archive is not what it says', async () => {
  const empty = await failure(build(mirror.url.replace('/providers/', '/nothing/')));
  expect(empty.message).toContain('/nothing/');
  expect(empty.detail?.logTail).toMatch(/cldctl\/outside/);
  mirror.corrupt('.zip');
  try {
    const error = await failure(build(mirror.url));
    expect(error.detail?.logTail).toMatch(/checksum|hash/i);
  } finally {
    mirror.corrupt(undefined);
  }
});

test('a certificate that nobody named is not trusted', async () => {
  const error = await failure(build(mirror.url, ''));
  expect(error.code).toBe('BuildFailed');
  expect(error.detail?.logTail).toMatch(/x509: certificate/);
});

describe('a child module over https', () => {
  const withChild = async (): Promise<string> => {
    const parent = join(folder, 'with-child');
    await writeModule(parent, {
      'main.tf': `module "c" {\n  source = "${new URL(CHILD, mirror.url).href}"\n}\n`,
    });
    return parent;
  };

  test.each(['a network mirror', 'a directory'])(
    'is downloaded once, and runs without a network: providers come from %s',
    async (kind) => {
      const asked = mirror.requests.length;
      const place = kind === 'a directory' ? directory : mirror.url;
      const { reference } = await build(place, mirror.certificates, await withChild());
      const gets = mirror.requests.slice(asked).filter((path) => path.startsWith(CHILD));
      expect(gets).toEqual([CHILD]);
      const { response } = await runOnce(engine, {
        image: reference,
        request: { action: 'apply' },
        signal: abort.signal,
      });
      expect(response).toMatchObject({ success: true, receipt: { done: 1 } });
    },
  );

  test('comes from nobody whose certificate is not known', async () => {
    const error = await failure(build(directory, '', await withChild()));
    expect(error.code).toBe('BuildFailed');
    expect(error.detail?.logTail).toMatch(/x509: certificate/);
  });
});

describe('another platform than the engine’s', () => {
  let other: string;
  let name: string;
  beforeAll(() => {
    other = `linux/${architectures.find((each) => `linux/${each}` !== engine.platform)}`;
    name = other.replace('/', '_');
  });
  const forOther = (
    moduleDir = module,
    from: Pick<NetworkMirror, 'url' | 'certificates'> = mirror,
  ) => build(from.url, from.certificates, moduleDir, [other]);
  const locked = async (...platforms: string[]): Promise<string> => {
    const directory = await mkdtemp(join(folder, 'locked-'));
    const hashes = platforms.map((platform) => `"${mirror.hash(platform.replace('/', '_'))}"`);
    await writeModule(directory, {
      'main.tf': SOURCE,
      '.terraform.lock.hcl': `provider "registry.opentofu.org/cldctl/outside" {\n  version = "1.0.0"\n  hashes = [${hashes.join()}]\n}\n`,
    });
    return directory;
  };

  test('gets its package from the mirror, which the lock file of the image names', async () => {
    const asked = mirror.requests.length;
    const { reference } = await forOther();
    const archives = mirror.requests.slice(asked).filter((path) => path.endsWith('.zip'));
    expect(archives).toEqual([
      expect.stringContaining(engine.platform.replace('/', '_')),
      expect.stringContaining(name),
    ]);
    const [program, lock] = await imageFiles(engine, reference, [
      `/opt/cldctl/providers/registry.opentofu.org/cldctl/outside/1.0.0/${name}/terraform-provider-outside_v1.0.0`,
      '/module/.terraform.lock.hcl',
    ]);
    expect(programPlatform(program)).toBe(other);
    expect(lock?.toString().match(/zh:\w+/g)).toEqual([mirror.hash(name)]);
  });

  test('and a package that is not what the mirror says is refused', async () => {
    mirror.corrupt(name);
    try {
      const error = await failure(forOther());
      expect(error.detail?.step).toContain('"platform"');
      expect(error.detail?.logTail).toMatch(/checksum/);
    } finally {
      mirror.corrupt(undefined);
    }
  });

  test('a lock file of the module has the last word', async () => {
    await forOther(await locked(engine.platform, other));
    const error = await failure(forOther(await locked(engine.platform)));
    expect(error.detail?.step).toContain('"platform"');
    expect(error.detail?.logTail).toMatch(/checksum/);
  });

  test('a mirror that has it for the engine’s own only is told by the provider and the platform', async () => {
    const single = await startNetworkMirror(await outsideProviderMirror());
    try {
      const error = await failure(forOther(module, single));
      expect(error.message).toContain(
        `provider registry.opentofu.org/cldctl/outside 1.0.0 is not in the mirror for ${name}`,
      );
    } finally {
      await single.close();
    }
  });
});
