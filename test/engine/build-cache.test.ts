/** What a change of a source costs: the steps that depend on it, and no other; with either builder the image is the same. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type { Engine } from '../../src/docker/engine.js';
import { LABEL } from '../../src/docker/labels.js';
import { createBuilder, type BuildEvent } from '../../src/standalone/builder.js';
import { outsideProviderMirror } from '../support/outside-provider.js';
import { testEngine, uniqueName } from '../support/test-engine.js';
import { writeModule } from '../support/tofu.js';
import { outside } from '../table/row.js';

const BUILDERS = ['buildkit', 'classic'] as const;

let engine: Engine;
let folder: string;
let mirror: string;
const tags: string[] = [];

beforeAll(async () => {
  engine = await testEngine();
  folder = await mkdtemp(join(tmpdir(), 'build-cache-'));
  mirror = await outsideProviderMirror();
});
afterAll(async () => {
  for (const tag of tags)
    await engine.docker
      .getImage(tag)
      .remove({ force: true })
      .catch(() => undefined);
  await rm(folder, { recursive: true, force: true });
});

/** Builds a module whose one thing has the name; its image and the steps that were told. */
async function built(builderKind: Engine['builder'], name: string) {
  const moduleDir = join(folder, 'module');
  await writeModule(moduleDir, {
    ...outside(
      `module "child" {\n  source = "./child"\n}\nresource "outside_thing" "a" {\n  name = "${name}"\n}\n`,
    ),
    'child/main.tf': 'output "one" {\n  value = 1\n}\n',
  });
  const builder = await createBuilder({
    engine: { ...engine, builder: builderKind },
    config: { ...loadConfig(process.env), providerMirror: mirror },
  });
  const tag = uniqueName('build-cache');
  tags.push(tag);
  const steps: Extract<BuildEvent, { type: 'step' }>[] = [];
  const { sourceDigest, imageId } = await builder.build({
    moduleDir,
    tag,
    onEvent: (event) => event.type === 'step' && steps.push(event),
  });
  const { RootFS, Config } = await engine.docker.getImage(tag).inspect();
  return { imageId, sourceDigest, steps, layers: RootFS.Layers ?? [], image: Config };
}

test.each(BUILDERS)('%s: a changed source changes two layers, the last', async (kind) => {
  const one = await built(kind, uniqueName('one'));
  const two = await built(kind, uniqueName('two'));
  expect(two.layers).toHaveLength(one.layers.length);
  expect(two.layers.map((layer, index) => layer === one.layers[index])).toEqual([
    ...one.layers.slice(2).map(() => true),
    false,
    false,
  ]);
});

test('buildkit: after a changed source, what is run is what reads it', async () => {
  await built('buildkit', uniqueName('one'));
  const { steps } = await built('buildkit', uniqueName('two'));
  const run = steps.filter(({ cached }) => !cached).map(({ message }) => message);
  expect(run.filter((step) => step.includes('] RUN '))).toEqual([
    expect.stringContaining('"requirements"'),
    expect.stringContaining('"prepare","opentofu","module"'),
  ]);
  expect(run.filter((step) => /\] (COPY|WORKDIR) /.test(step))).toEqual([
    expect.stringContaining('COPY module /module'),
    expect.stringContaining('COPY module /module'),
  ]);
});

test('both builders make the same of it', async () => {
  const name = uniqueName('same');
  const one = await built('buildkit', name);
  // Else the second is found and not built.
  await engine.docker.getImage(one.imageId).remove({ force: true });
  const two = await built('classic', name);
  expect(two.sourceDigest).toBe(one.sourceDigest);
  const told = ({ image }: typeof one) => {
    const { Env, Entrypoint, User, WorkingDir, Labels, Cmd } = image;
    return { Env, Entrypoint, User, WorkingDir, Labels, Cmd };
  };
  expect(told(two)).toEqual(told(one));
  expect(told(one)).toMatchObject({
    User: '10001:10001',
    WorkingDir: '/module',
    Entrypoint: ['/cldctl-entrypoint'],
    Labels: {
      [LABEL.engine]: 'opentofu',
      [LABEL.contract]: '1',
      [LABEL.sourceDigest]: one.sourceDigest,
      'dev.cldctl.tool-version': expect.stringMatching(/^1\./) as string,
    },
  });
});
