/** Pulumi state in PostgreSQL and S3: the URLs that OpenTofu takes, no secret in the open, locks told with their holder. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type { ModuleRequest } from '../../src/contract/request.js';
import type { Engine } from '../../src/docker/engine.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { pulumiModuleImage } from '../support/pulumi-module.js';
import { STATE_SERVERS, startStateServers, type StateServers } from '../support/state-servers.js';
import { testEngine } from '../support/test-engine.js';
import { runContainer, type ContainerEnd, type ContainerRun } from './entrypoint-container.js';

let engine: Engine;
let image: string;
let servers: StateServers;

beforeAll(async () => {
  const signal = AbortSignal.timeout(600_000);
  engine = await testEngine();
  const parts = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['pulumi-yaml'],
    signal,
    report: () => undefined,
  });
  const project = await readFile(join(packageRoot(), 'examples/pulumi-yaml/Pulumi.yaml'), 'utf8');
  image = await pulumiModuleImage(engine, parts['pulumi-yaml'], { 'Pulumi.yaml': project }, signal);
  servers = await startStateServers(engine, signal);
}, 600_000);
afterAll(() => servers.close());

async function run<T>(
  request: ModuleRequest,
  check: (end: ContainerEnd) => Promise<T> | T,
  more: Partial<ContainerRun> = {},
): Promise<T> {
  const end = await runContainer(engine, {
    image,
    request,
    host: { NetworkMode: 'bridge' },
    ...more,
  });
  try {
    const { outputs: _outputs, ...rest } = end.response ?? {};
    for (const secret of [...servers.secrets, 'geheim-2323'])
      expect(JSON.stringify([rest, end.events])).not.toContain(secret);
    return await check(end);
  } finally {
    await end.remove();
  }
}

describe.each(STATE_SERVERS)('%s', (kind) => {
  const request = (
    more: Partial<ModuleRequest> & Pick<ModuleRequest, 'action'>,
  ): ModuleRequest => ({
    stack_name: `stack-${kind}`,
    passphrase: 'passphrase of the state tests',
    inputs: { service: 'shop', token: 'geheim-2323' },
    state: { url: servers.urls[kind] },
    ...more,
  });

  test('preview, apply of exactly that plan, outputs, no changes, destroy', async () => {
    const plan = await run(request({ action: 'preview' }), async (end) => {
      expect(end.response).toMatchObject({
        success: true,
        state: { fingerprint: null },
        summary: { create: 2 },
      });
      return end.file('plan/plan');
    });
    const digest = `sha256:${createHash('sha256')
      .update(plan ?? '')
      .digest('hex')}`;
    const files = { 'plan/plan': plan ?? Buffer.alloc(0) };
    const approved = request({
      action: 'apply',
      plan: { path: 'plan/plan', digest },
      state: { url: servers.urls[kind], fingerprint: null },
    });
    await run(
      approved,
      (end) => {
        expect(end.response).toMatchObject({
          success: true,
          approved: true,
          outputs: {
            endpoint: { value: 'https://shop.example.com' },
            token: { value: 'geheim-2323', sensitive: true },
          },
          receipt: { done: 2 },
        });
        expect(end.response?.state?.path).toBeUndefined();
      },
      { files },
    );
    await run(approved, (end) => expect(end.response?.failure?.code).toBe('PlanStale'), { files });
    await run(request({ action: 'preview' }), (end) => expect(end.response?.changes).toEqual([]));
    await run(request({ action: 'destroy' }), (end) =>
      expect(end.response).toMatchObject({ success: true, receipt: { done: 2 } }),
    );
  });
});

test('a stack that another run has locked: who, since when; looking goes on', async () => {
  const request = (action: 'preview' | 'apply'): ModuleRequest => ({
    action,
    stack_name: 'locked',
    passphrase: 'p',
    inputs: { service: 'shop', token: 'geheim-2323' },
    state: { url: servers.urls.s3 },
  });
  await run(request('preview'), (end) => expect(end.response?.success).toBe(true));
  const locks = join(servers.bucket, 'team/.pulumi/locks/organization/service-settings/locked');
  await mkdir(locks, { recursive: true });
  const since = '2026-01-02T03:04:05Z';
  await writeFile(
    join(locks, '4f5ac8e1-9d1a-4f70-a0e2-7a4d6c1f0a11.json'),
    JSON.stringify({ pid: 1, username: 'module', hostname: 'another-host', timestamp: since }),
  );
  await run(request('apply'), (end) => {
    expect(end.response?.failure?.code).toBe('StateLocked');
    expect(end.response?.failure?.message).toContain('module@another-host');
    expect(end.response?.state?.lock).toMatchObject({ who: 'module@another-host', created: since });
  });
  await run(request('preview'), (end) => expect(end.response?.success).toBe(true));
});

test("a database that is not there is the environment's fault, told without the password", async () => {
  const url = 'postgres://postgres:pg-nobody@127.0.0.1:1/postgres?sslmode=disable';
  const request: ModuleRequest = {
    action: 'preview',
    stack_name: 's',
    inputs: { service: 'shop', token: 'geheim-2323' },
    state: { url },
  };
  await run(request, (end) => {
    expect(end.response?.failure?.code).toBe('StoreUnavailable');
    expect(JSON.stringify([end.response, end.events])).not.toContain('pg-nobody');
  });
});
