/** State in PostgreSQL and S3: one URL, no secret on disk, locks told with their holder. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Container } from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type { ModuleRequest } from '../../src/contract/request.js';
import type { Engine } from '../../src/docker/engine.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { testEngine, uniqueName } from '../support/test-engine.js';
import {
  opentofuBase,
  runContainer,
  testImages,
  type TestImages,
  until,
  type ContainerEnd,
  type ContainerRun,
} from './entrypoint-container.js';

const PASSWORD = 'pg-hunter2/word';
const S3_SECRET = 's3-hunter2-secret';

let engine: Engine;
let images: TestImages;
let image: string;
let database: Container;
let databaseHost: string;
let store: ChildProcess;
let storeUrl: string;
let storeRoot: string;

beforeAll(async () => {
  engine = await testEngine();
  images = testImages(engine);
  const base = await opentofuBase();
  image = await images.module(base, {
    'main.tf': `variable "seconds" {
  default = 0
}
resource "terraform_data" "a" {
  input            = "x"
  triggers_replace = var.seconds
  provisioner "local-exec" {
    command = "echo working; sleep \${var.seconds}"
  }
}
output "v" {
  value = terraform_data.a.output
}
`,
  });
  const parts = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['postgres-image', 'versitygw'],
    signal: AbortSignal.timeout(170_000),
    report: () => undefined,
  });
  database = await engine.docker.createContainer({
    Image: parts['postgres-image'].reference,
    name: uniqueName('postgres'),
    Env: [`POSTGRES_PASSWORD=${PASSWORD}`],
  });
  await database.start();
  const { bridge } = (await database.inspect()).NetworkSettings.Networks;
  databaseHost = bridge?.IPAddress ?? '';
  await until(() => answers(databaseHost, 5432));
  storeRoot = await mkdtemp(join(tmpdir(), 's3-'));
  await mkdir(join(storeRoot, 'states'));
  const port = await freePort();
  const gateway = bridge?.Gateway ?? '';
  store = spawn(
    parts.versitygw,
    ['--port', `${gateway}:${port}`, '--access', 'user', '--secret', S3_SECRET, 'posix', storeRoot],
    { stdio: 'ignore' },
  );
  storeUrl = `s3://user:${S3_SECRET}@states/team?region=us-east-1&endpoint=http://${gateway}:${port}&path_style=true`;
  await until(
    async () => (await fetch(`http://${gateway}:${port}/`).catch(() => undefined)) !== undefined,
  );
});
afterAll(async () => {
  await images.remove();
  store.kill();
  await database.remove({ force: true, v: true });
  await rm(storeRoot, { recursive: true });
});

const urls = (): Record<string, string> => ({
  postgres: `postgres://postgres:${encodeURIComponent(PASSWORD)}@${databaseHost}/postgres?sslmode=disable`,
  s3: storeUrl,
});

async function run(
  request: ModuleRequest,
  check: (end: ContainerEnd) => Promise<void> | void,
  more: Partial<ContainerRun> = {},
): Promise<void> {
  const end = await runContainer(engine, {
    image,
    request,
    host: { NetworkMode: 'bridge' },
    ...more,
  });
  try {
    await check(end);
  } finally {
    await end.remove();
  }
}

describe.each(['postgres', 's3'])('%s', (kind) => {
  const stack = `stack-${kind}`;
  const request = (
    more: Partial<ModuleRequest> & Pick<ModuleRequest, 'action'>,
  ): ModuleRequest => ({
    stack_name: stack,
    state: { url: urls()[kind] ?? '' },
    ...more,
  });

  test("preview, apply of exactly that plan, outputs, destroy; the URL's secrets are nowhere", async () => {
    let plan: Buffer | undefined;
    let digest = '';
    await run(request({ action: 'preview' }), async (end) => {
      expect(end.response).toMatchObject({
        success: true,
        state: { fingerprint: null },
        summary: { create: 1 },
      });
      plan = await end.file('plan/plan');
      digest = end.response?.plan?.digest ?? '';
      const files = await Promise.all(
        [
          'plan/plan',
          'output.json',
          'module/.terraform/terraform.tfstate',
          'module/zz_cldctl_backend_override.tf.json',
        ].map(end.file),
      );
      for (const text of [...files.map(String), JSON.stringify(end.events)])
        for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), S3_SECRET])
          expect(text).not.toContain(secret);
    });
    const approved = request({
      action: 'apply',
      state: { url: urls()[kind] ?? '', fingerprint: null },
      plan: { path: 'plan/plan', digest },
    });
    const files = { 'plan/plan': plan ?? Buffer.alloc(0) };
    let fingerprint: string | null | undefined;
    await run(
      approved,
      (end) => {
        expect(end.response).toMatchObject({
          success: true,
          approved: true,
          outputs: { v: { value: 'x' } },
          state: { serial: 1 },
        });
        expect(end.response?.state?.path).toBeUndefined();
        ({ fingerprint } = end.response?.state ?? {});
      },
      { files },
    );
    await run(approved, (end) => expect(end.response?.failure?.code).toBe('PlanStale'), { files });
    await run(
      request({
        action: 'preview',
        state: { url: urls()[kind] ?? '', fingerprint: fingerprint ?? null },
      }),
      (end) => expect(end.response?.changes).toEqual([]),
    );
    await run(request({ action: 'destroy' }), (end) =>
      expect(end.response).toMatchObject({ success: true, receipt: { done: 1 } }),
    );
  });

  test('a second operation finds the lock; looking does not', async () => {
    const slow = request({ action: 'apply', inputs: { seconds: 15 } });
    let second: Promise<void> | undefined;
    await run(slow, (end) => expect(end.response?.success).toBe(true), {
      onEvent: (event) => {
        if (second !== undefined || event.type !== 'log' || !event.message.includes('working'))
          return;
        second = (async () => {
          await run(request({ action: 'preview' }), (end) => {
            expect(end.response?.failure?.code).toBe('StateLocked');
            if (kind === 's3')
              expect(end.response?.state?.lock).toMatchObject({
                who: expect.stringContaining('@') as string,
              });
          });
          await run(request({ action: 'preview', options: { lock: false } }), (end) =>
            expect(end.response?.success).toBe(true),
          );
        })();
      },
    });
    expect(second).toBeDefined();
    await second;
  });
});

test("a database that is not there fails with the tool's words and without the password", async () => {
  const url = `postgres://postgres:${encodeURIComponent(PASSWORD)}@127.0.0.1:1/postgres?sslmode=disable`;
  await run({ action: 'preview', stack_name: 's', state: { url } }, (end) => {
    expect(end.exitCode).toBe(1);
    expect(end.response?.error).toMatch(/refused/);
    expect(JSON.stringify([end.response, end.events])).not.toContain(encodeURIComponent(PASSWORD));
  });
});

test('the store holds the state under prefix and stack', async () => {
  await run({ action: 'apply', stack_name: 'named', state: { url: storeUrl } }, (end) =>
    expect(end.response?.success).toBe(true),
  );
  expect(await readdir(join(storeRoot, 'states', 'team'))).toContain('named.tfstate');
  expect((await readFile(join(storeRoot, 'states', 'team', 'named.tfstate'))).toString()).toContain(
    'terraform_data',
  );
});

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 0),
      );
    });
  });
}
