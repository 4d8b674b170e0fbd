import { execFileSync } from 'node:child_process';
import { appendFile, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baseImageReference } from '../../../src/setup/base-images.js';
import { entrypointSources } from '../../../src/setup/entrypoint-sources.js';
import { packageRoot } from '../../../src/setup/package-root.js';

describe('the reference of a base image', () => {
  let installed: string;
  beforeAll(async () => {
    installed = await mkdtemp(join(tmpdir(), 'package-'));
    const listed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: packageRoot(),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [{ files }] = JSON.parse(listed) as [{ files: { path: string }[] }];
    for (const { path } of files.filter(({ path }) => !path.startsWith('dist/'))) {
      await mkdir(dirname(join(installed, path)), { recursive: true });
      await cp(join(packageRoot(), path), join(installed, path));
    }
  }, 60_000);
  afterAll(() => rm(installed, { recursive: true }));

  it('names engine, tool version and content', () => {
    expect(baseImageReference('opentofu')).toMatch(/^cldctl-iac\/opentofu:1\.12\.6-[0-9a-f]{12}$/);
    expect(baseImageReference('pulumi', 'python')).toMatch(
      /^cldctl-iac\/pulumi-python:3\.259\.0-[0-9a-f]{12}$/,
    );
  });

  it('is the same in a clone and in an installed package', () => {
    expect(entrypointSources(installed)).toEqual(entrypointSources(packageRoot()));
    for (const runtime of ['nodejs', 'python', 'go', 'yaml'] as const)
      expect(baseImageReference('pulumi', runtime, installed)).toBe(
        baseImageReference('pulumi', runtime),
      );
    expect(baseImageReference('opentofu', undefined, installed)).toBe(
      baseImageReference('opentofu'),
    );
  });

  it('changes with the recipe, and with what the entrypoint is made of', async () => {
    const original = baseImageReference('opentofu', undefined, installed);
    await appendFile(join(installed, 'images/opentofu/Dockerfile'), '\nLABEL changed=1\n');
    const recipe = baseImageReference('opentofu', undefined, installed);
    await appendFile(join(installed, 'src/contract/index.ts'), '\n// changed\n');
    const entrypoint = baseImageReference('opentofu', undefined, installed);
    expect(new Set([original, recipe, entrypoint]).size).toBe(3);
  });
});
