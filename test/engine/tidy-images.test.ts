/** Images of provider directories go when no build took any from them for a day; on an engine of its own, as every worker's go. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tagImage } from '../../src/docker/build.js';
import { findImage } from '../../src/docker/find-image.js';
import { findUnneededImages, tidyImages } from '../../src/operation/tidy-images.js';
import { providerSource } from '../../src/standalone/provider-source.js';
import { startOwnEngine, type OwnEngine } from '../support/own-engine.js';

const HOUR = 3_600_000;

let own: OwnEngine;
let folder: string;

beforeAll(async () => {
  own = await startOwnEngine();
  folder = await mkdtemp(join(tmpdir(), 'tidy-images-'));
});
afterAll(async () => {
  await own.close();
  await rm(folder, { recursive: true, force: true });
});

/** Has the directory ready for a build, as one with this provider in it; the name of its image. */
async function mirrorOf(content: string): Promise<string> {
  await writeFile(join(folder, 'provider'), content);
  return mirrorAsItIs();
}

async function mirrorAsItIs(): Promise<string> {
  const source = await providerSource(folder, {
    engine: own.engine,
    signal: new AbortController().signal,
  });
  return source !== undefined && 'image' in source ? source.image : '';
}

test('the image goes a day after the last build that took from it', async () => {
  const old = await mirrorOf('one');
  const since = Date.now();
  const current = await mirrorOf('another');
  expect(await findUnneededImages(own.engine, since + 23 * HOUR)).toEqual([]);
  expect(await tidyImages(own.engine, since + 23 * HOUR)).toBe(0);
  const { Metadata } = (await own.engine.docker.getImage(current).inspect()) as unknown as {
    Metadata: { LastTagTime: string };
  };
  const first = Date.parse(Metadata.LastTagTime);
  // A build takes from the directory again, which has not changed.
  expect(await mirrorAsItIs()).toBe(current);
  expect(await findUnneededImages(own.engine, first + 24 * HOUR)).toEqual([old]);
  expect(await tidyImages(own.engine, first + 24 * HOUR)).toBe(1);
  expect(await findImage(own.engine, old)).toBeUndefined();
  expect(await findImage(own.engine, current)).toBeDefined();
});

test('an image that a container was made from stays as long as that', async () => {
  const image = await mirrorOf('used');
  const container = await own.engine.docker.createContainer({ Image: image, Cmd: ['/nothing'] });
  const later = Date.now() + 1000 * HOUR;
  await tidyImages(own.engine, later);
  expect(await findImage(own.engine, image)).toBeDefined();
  await container.remove();
  expect(await tidyImages(own.engine, later)).toBe(1);
  expect(await findImage(own.engine, image)).toBeUndefined();
});

test('a name that somebody else gave it stays, and a build after it sends the directory again', async () => {
  const image = await mirrorOf('shared');
  await tagImage(own.engine, image, 'registry.example.com/providers:1');
  expect(await tidyImages(own.engine, Date.now() + 1000 * HOUR)).toBe(1);
  expect(await findImage(own.engine, image)).toBeUndefined();
  expect(await findImage(own.engine, 'registry.example.com/providers:1')).toBeDefined();
  expect(await mirrorAsItIs()).toBe(image);
  expect(await findImage(own.engine, image)).toBeDefined();
});
