/** A registry that dies half-way through a push: a real one, whose process is ended while it takes a layer. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { packArchive } from '../../src/docker/archive.js';
import { tagImage } from '../../src/docker/build.js';
import type { Engine } from '../../src/docker/engine.js';
import { findImage } from '../../src/docker/find-image.js';
import { pullImage, pushImage, type TransferEvent } from '../../src/docker/push.js';
import { freePort } from '../../src/setup/free-port.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { startRegistry, type LocalRegistry } from '../../src/setup/registry.js';
import type { RegistryProgram } from '../../src/setup/registry-program.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { createBuilder } from '../../src/standalone/builder.js';
import { testEngine, uniqueName } from '../support/test-engine.js';

const { signal } = new AbortController();
/** Enough for a push to be seen half-way. */
const LAYER = 64 * 1024 * 1024;

let engine: Engine;
let program: RegistryProgram;
let folder: string;
let port: number;
let image: string;
let running: LocalRegistry | undefined;
const names: string[] = [];

beforeAll(async () => {
  engine = await testEngine();
  folder = await mkdtemp(join(tmpdir(), 'push-faults-'));
  port = await freePort();
  ({ registry: program } = await prepareLocalSystem({
    need: ['registry'],
    ...setupSettings(loadConfig(process.env)),
    signal,
    report: () => undefined,
  }));
  image = `cldctl-test/large:${uniqueName('push')}`;
  names.push(image);
  const file = { name: 'large', bytes: randomBytes(LAYER), mode: 0o644, uid: 0, gid: 0 };
  const [repo, tag] = image.split(':');
  const lines = await engine.docker.importImage(Readable.from([await packArchive([file])]), {
    repo,
    tag,
  });
  for await (const _ of lines) void _;
}, 600_000);
afterAll(async () => {
  for (const name of names)
    await engine.docker
      .getImage(name)
      .remove()
      .catch(() => undefined);
  await running?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Starts the registry on what is kept under a name: again on what it had, or anew, as a layer that it has is not sent. */
async function start(kept: string): Promise<void> {
  running = await startRegistry({ program, port, directory: join(folder, kept) });
}
async function stop(): Promise<void> {
  await running?.stop();
  running = undefined;
}
async function named(): Promise<string> {
  const reference = `127.0.0.1:${port}/test/${uniqueName('push')}:v1`;
  await tagImage(engine, image, reference);
  names.push(reference);
  return reference;
}

/** Begins a push; `halfWay` resolves when the layer is on its way and not over. */
function push(reference: string): { pushed: Promise<{ digest: string }>; halfWay: Promise<void> } {
  let reached: () => void = () => undefined;
  const halfWay = new Promise<void>((resolve) => (reached = resolve));
  const onEvent = ({ current = 0, total = 0 }: TransferEvent): void => {
    if (current > 0 && current < total) reached();
  };
  const pushed = pushImage(engine, { reference }, { signal, onEvent });
  pushed.catch(() => undefined);
  return { pushed, halfWay };
}
const tags = async (reference: string): Promise<unknown> => {
  const repository = reference.split('/').slice(1).join('/').replace(/:v1$/, '');
  const answer = await fetch(`http://127.0.0.1:${port}/v2/${repository}/tags/list`);
  return ((await answer.json()) as { tags?: unknown }).tags ?? [];
};

test('a registry that comes back gets the whole image', async () => {
  await start('back');
  const reference = await named();
  const { pushed, halfWay } = push(reference);
  await halfWay;
  await stop();
  await start('back');
  const { digest } = await pushed;
  expect(await tags(reference)).toEqual(['v1']);
  const fixed = `${reference.replace(/:v1$/, '')}@${digest}`;
  await engine.docker.getImage(reference).remove();
  names.push(fixed);
  expect((await pullImage(engine, { reference: fixed }, { signal })).imageId).toBe(
    (await findImage(engine, image))?.id,
  );
});

test('one that stays away is called so, another try is worth it, and no tag is there', async () => {
  await stop();
  await start('away');
  const reference = await named();
  const { pushed, halfWay } = push(reference);
  await halfWay;
  await stop();
  await expect(pushed).rejects.toMatchObject({
    code: 'RegistryUnavailable',
    retryable: true,
    message: expect.stringMatching(
      new RegExp(`can't push ${reference}: .*check that the registry runs`),
    ) as string,
  });
  await start('away');
  expect(await tags(reference)).toEqual([]);
}, 180_000);

test('a push of the builder waits for a registry that is away', async () => {
  await stop();
  const reference = await named();
  const builder = await createBuilder({ engine, config: loadConfig(process.env) });
  const messages: string[] = [];
  const { digest } = await builder.push(reference, {
    onEvent: ({ message }) => {
      messages.push(message);
      if (/^again in 1 s/.test(message)) void start('late');
    },
  });
  expect(messages).toContainEqual(expect.stringMatching(/^again in 1 s: can't push .* refused/));
  expect(digest).toMatch(/^sha256:/);
  expect(await tags(reference)).toEqual(['v1']);
});
