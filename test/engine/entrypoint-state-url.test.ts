/** State in PostgreSQL and S3: one URL, no secret on disk, locks told with their holder. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModuleRequest } from '../../src/contract/request.js';
import type { Engine } from '../../src/docker/engine.js';
import { STATE_SERVERS, startStateServers, type StateServers } from '../support/state-servers.js';
import { testEngine } from '../support/test-engine.js';
import {
  opentofuBase,
  runContainer,
  testImages,
  type TestImages,
  type ContainerEnd,
  type ContainerRun,
} from './entrypoint-container.js';

let engine: Engine;
let images: TestImages;
let image: string;
let servers: StateServers;

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
  servers = await startStateServers(engine, AbortSignal.timeout(170_000));
});
afterAll(async () => {
  await images.remove();
  await servers.close();
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

describe.each(STATE_SERVERS)('%s', (kind) => {
  const stack = `stack-${kind}`;
  const request = (
    more: Partial<ModuleRequest> & Pick<ModuleRequest, 'action'>,
  ): ModuleRequest => ({
    stack_name: stack,
    state: { url: servers.urls[kind] },
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
        for (const secret of servers.secrets) expect(text).not.toContain(secret);
    });
    const approved = request({
      action: 'apply',
      state: { url: servers.urls[kind], fingerprint: null },
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
        state: { url: servers.urls[kind], fingerprint: fingerprint ?? null },
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
  const url = `postgres://postgres:pg-nobody@127.0.0.1:1/postgres?sslmode=disable`;
  await run({ action: 'preview', stack_name: 's', state: { url } }, (end) => {
    expect(end.exitCode).toBe(1);
    expect(end.response?.error).toMatch(/refused/);
    expect(JSON.stringify([end.response, end.events])).not.toContain('pg-nobody');
  });
});

test('the store holds the state under prefix and stack', async () => {
  await run({ action: 'apply', stack_name: 'named', state: { url: servers.urls.s3 } }, (end) =>
    expect(end.response?.success).toBe(true),
  );
  expect(await readdir(join(servers.bucket, 'team'))).toContain('named.tfstate');
  expect((await readFile(join(servers.bucket, 'team', 'named.tfstate'))).toString()).toContain(
    'terraform_data',
  );
});
