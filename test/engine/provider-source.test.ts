/** A directory of providers goes to the engine once, not with every build. */
import { cp, mkdir, mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import type Docker from 'dockerode';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type { Engine } from '../../src/docker/engine.js';
import { createBuilder, type Builder } from '../../src/standalone/builder.js';
import { outsideProviderMirror } from '../support/outside-provider.js';
import { testEngine, uniqueName } from '../support/test-engine.js';
import { writeModule } from '../support/tofu.js';
import { outside } from '../table/row.js';

const PROVIDER = `registry.opentofu.org/cldctl/outside/1.0.0/linux_${process.arch === 'arm64' ? 'arm64' : 'amd64'}/terraform-provider-outside_v1.0.0`;

let engine: Engine;
let folder: string;
let builder: Builder;
/** Names and bytes of what was sent to be built. */
const sent: { tag: string; bytes: number }[] = [];
const tags = new Set<string>();

beforeAll(async () => {
  const real = await testEngine();
  const docker = Object.assign(Object.create(real.docker) as Docker, {
    buildImage(context: Readable, options: Docker.ImageBuildOptions) {
      const build = { tag: String(options.t), bytes: 0 };
      sent.push(build);
      tags.add(build.tag);
      const counted = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          build.bytes += chunk.length;
          done(null, chunk);
        },
      });
      return real.docker.buildImage(context.pipe(counted), options);
    },
  });
  engine = { ...real, docker };
  folder = await mkdtemp(join(tmpdir(), 'mirror-image-'));
  await cp(await outsideProviderMirror(), join(folder, 'mirror'), { recursive: true });
  builder = await createBuilder({
    engine,
    config: { ...loadConfig(process.env), providerMirror: join(folder, 'mirror') },
  });
});
afterAll(async () => {
  for (const tag of tags)
    await engine.docker
      .getImage(tag)
      .remove({ force: true })
      .catch(() => undefined);
  await rm(folder, { recursive: true, force: true });
});

/** What building a module with this name for its thing sends. */
async function sentFor(name: string) {
  const moduleDir = join(folder, 'module');
  await writeModule(moduleDir, outside(`resource "outside_thing" "a" {\n  name = "${name}"\n}\n`));
  sent.length = 0;
  const tag = uniqueName('mirror');
  tags.add(tag);
  const { cached } = await builder.build({ moduleDir, tag });
  const builds = [...sent];
  return { cached, builds, tag };
}

test('the first build sends it, a changed source alone, and the same source nothing', async () => {
  const first = await sentFor('one');
  expect(first.builds.map(({ tag }) => tag)).toEqual([
    expect.stringMatching(/^cldctl-iac\/provider-mirror:[0-9a-f]{12}$/),
    first.tag,
  ]);
  expect(first.builds[0]?.bytes).toBeGreaterThan(5_000_000);
  expect(first.builds[1]?.bytes).toBeLessThan(500_000);
  const second = await sentFor('two');
  expect(second.builds.map(({ tag }) => tag)).toEqual([second.tag]);
  expect(second.builds[0]?.bytes).toBeLessThan(500_000);
  expect(await sentFor('two')).toMatchObject({ cached: true, builds: [] });
});

test('a provider that changed is sent again, and so is one whose image was removed', async () => {
  const provider = join(folder, 'mirror', PROVIDER);
  const { builds: before } = await sentFor('three');
  await utimes(provider, new Date(), new Date());
  const { builds: after } = await sentFor('three');
  const [mirror] = after;
  expect(after).toHaveLength(2);
  expect(mirror?.bytes).toBeGreaterThan(5_000_000);
  expect(before.map(({ tag }) => tag)).not.toContain(mirror?.tag);
  await engine.docker.getImage(mirror?.tag ?? '').remove({ force: true });
  const { builds: again } = await sentFor('four');
  expect(again.map(({ tag }) => tag)).toContain(mirror?.tag);
});

test('a directory that is empty or not there is told before anything is built', async () => {
  const none = join(folder, 'none');
  const other = await createBuilder({
    engine,
    config: { ...loadConfig(process.env), providerMirror: none },
  });
  const moduleDir = join(folder, 'module');
  await expect(other.build({ moduleDir })).rejects.toMatchObject({
    code: 'InvalidConfiguration',
    message: `CLDCTL_PROVIDER_MIRROR: ${none} can't be read (ENOENT)`,
  });
  await mkdir(none);
  await expect(other.build({ moduleDir })).rejects.toMatchObject({
    code: 'InvalidConfiguration',
    message: `CLDCTL_PROVIDER_MIRROR: ${none} is empty`,
  });
});
