import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type { Engine } from '../../src/docker/engine.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { startRegistry, type LocalRegistry } from '../../src/setup/registry.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import type { StepEvent } from '../../src/setup/steps.js';
import { runCommand } from '../../src/setup/run-command.js';
import { copyPackage, type PackageCopy } from '../support/package-copy.js';
import { pushAs } from '../support/push-as.js';
import { shellIn } from '../support/shell-in.js';
import { testEngine } from '../support/test-engine.js';

/** The images of the source route, served under mirror names, stand in for the public ones: they have the same files in the same places. */
describe('the public route, through mirrors', () => {
  const signal = new AbortController().signal;
  const settings = setupSettings(loadConfig(process.env));
  let engine: Engine;
  let registry: LocalRegistry;
  let copy: PackageCopy;
  let cacheDirectory: string;
  const made: string[] = [];
  const images = { debian: '', opentofu: '', postgres: '' };

  beforeAll(async () => {
    engine = await testEngine();
    const steps: StepEvent[] = [];
    const system = await prepareLocalSystem({
      need: ['debian-part', 'opentofu-part', 'registry'],
      ...settings,
      signal,
      report: (event) => steps.push(event),
    });
    registry = await startRegistry({ program: system.registry });
    images.debian = await pushAs(
      engine,
      system['debian-part'],
      `${registry.address}/mirror/debian:slim`,
    );
    images.opentofu = await pushAs(
      engine,
      system['opentofu-part'],
      `${registry.address}/mirror/opentofu:minimal`,
    );
    // Only pulled here, never run: any image will do.
    images.postgres = await pushAs(
      engine,
      system['debian-part'],
      `${registry.address}/mirror/postgres:15.20-slim`,
    );
    copy = await copyPackage();
    cacheDirectory = await mkdtemp(join(tmpdir(), 'cache-'));
  }, 900_000);

  afterAll(async () => {
    for (const reference of [...made, ...Object.values(images)])
      await engine.docker
        .getImage(reference)
        .remove({ force: true })
        .catch(() => undefined);
    await registry.stop();
    await copy.remove();
    await rm(cacheDirectory, { recursive: true, force: true });
  });

  it('is found by trying, pulls its parts, and gives the same base image, tool and database without building any of them', async () => {
    const steps: StepEvent[] = [];
    const system = await prepareLocalSystem({
      need: ['opentofu', 'tofu', 'postgres-image', 'provider-docker'],
      ...settings,
      route: 'auto',
      cacheDirectory,
      images,
      root: copy.root,
      signal,
      report: (event) => steps.push(event),
    });
    made.push(system.opentofu);
    const done = steps.flatMap((event) =>
      event.type === 'done' && !event.cached ? [event.step] : [],
    );
    expect(done).toEqual(
      expect.arrayContaining([`pull ${images.debian}`, `pull ${images.opentofu}`]),
    );
    expect(done.join('\n')).not.toMatch(/from source|root file system/);
    expect(await shellIn(engine, system.opentofu, 'tofu version')).toMatch(/^OpenTofu v1\.12\.6\n/);
    expect(await runCommand(system.tofu, ['version'], { env: {} })).toMatch(
      /^OpenTofu v1\.12\.6\n/,
    );
    expect(system['postgres-image']).toEqual({ reference: images.postgres, majorVersion: '15' });
    expect(system['provider-docker'].directory).toBeUndefined();
  }, 300_000);

  it('names the image and the registry’s words when a mirror lacks one', async () => {
    const missing = `${registry.address}/mirror/nothing:1`;
    const attempt = prepareLocalSystem({
      need: ['postgres-image'],
      ...settings,
      route: 'public',
      images: { postgres: missing },
      signal,
      report: () => undefined,
    });
    await expect(attempt).rejects.toThrow(new RegExp(`${missing}.*manifest unknown`));
  });
});
