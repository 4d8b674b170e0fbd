import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type { Engine } from '../../src/docker/engine.js';
import { baseImageReference } from '../../src/setup/base-images.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { shellIn } from '../support/shell-in.js';
import { testEngine } from '../support/test-engine.js';

describe('the OpenTofu base image', () => {
  let engine: Engine;
  let image: string;
  beforeAll(async () => {
    engine = await testEngine();
    const prepared = await prepareLocalSystem({
      need: ['opentofu'],
      ...setupSettings(loadConfig(process.env)),
      signal: new AbortController().signal,
      report: () => undefined,
    });
    image = prepared.opentofu;
  }, 900_000);

  it('has the reference that builders compute, and says what it is', async () => {
    expect(image).toBe(baseImageReference('opentofu'));
    const { Config } = await engine.docker.getImage(image).inspect();
    expect(Config).toMatchObject({
      User: '10001:10001',
      WorkingDir: '/module',
      Entrypoint: ['/cldctl-entrypoint'],
      Labels: {
        'dev.cldctl.engine': 'opentofu',
        'dev.cldctl.tool-version': '1.12.6',
        'dev.cldctl.contract': '1',
      },
    });
  });

  it('runs as a user without rights, who owns the workspace and nothing else', async () => {
    expect(await shellIn(engine, image, 'id -u; id -g; stat -c "%U %G %a" /workspace')).toBe(
      '10001\n10001\nmodule module 700\n',
    );
    const owned = await shellIn(engine, image, 'find / -xdev -user 10001', { user: '0' });
    expect(owned).toBe('/workspace\n');
    expect(await shellIn(engine, image, 'touch /module/x 2>&1 || true')).toMatch(
      /Permission denied/,
    );
  });

  it('has the tool in its release version, the entrypoint, and certificates', async () => {
    expect(await shellIn(engine, image, 'tofu version')).toMatch(/^OpenTofu v1\.12\.6\n/);
    const files =
      'test -x /cldctl-entrypoint && test -s /etc/ssl/certs/ca-certificates.crt && echo there';
    expect(await shellIn(engine, image, files)).toBe('there\n');
  });

  it('carries no package lists, caches or logs', async () => {
    const left = 'find /var/lib/apt/lists /var/cache/apt /var/log -type f -size +0';
    expect(await shellIn(engine, image, left, { user: '0' })).toBe('');
  });

  it('lets a Dockerfile of anybody’s take the entrypoint by name', async () => {
    const { RepoTags } = await engine.docker.getImage('cldctl-entrypoint:latest').inspect();
    expect(RepoTags).toContain('cldctl-entrypoint:latest');
  });
});
