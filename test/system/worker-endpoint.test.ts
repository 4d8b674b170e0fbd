/** The worker's endpoint: health, metrics, and whole plans for who has a signed link; nothing for anybody else. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlanView } from '../../src/contract/operation.js';
import { freePort } from '../../src/setup/free-port.js';
import { command } from '../support/command.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';

const MODULE = `
variable "token" {
  type      = string
  sensitive = true
}
resource "terraform_data" "many" {
  count = 300
  input = { index = count.index, token = var.token }
}
`;
const TOKEN = 'endpoint-horse-battery-staple';

const stackId = uniqueStack('linked');
let system: LocalSystem;
let base: string;
let metrics: string;
let plan: PlanView;

beforeAll(async () => {
  const [port, metricsPort] = [await freePort(), await freePort()];
  base = `http://127.0.0.1:${port}`;
  metrics = `http://127.0.0.1:${metricsPort}/metrics`;
  system = await createLocalSystem({
    env: {
      CLDCTL_HTTP_ADDRESS: `127.0.0.1:${port}`,
      CLDCTL_HTTP_URL: base,
      CLDCTL_METRICS_ADDRESS: `127.0.0.1:${metricsPort}`,
      CLDCTL_SECRETS_ENV: 'TOKEN',
      TOKEN,
    },
  });
  await system.startWorker();
  const started = await system.client.startAndWaitPlan({
    stackId,
    operation: 'apply',
    module: { image: await tofuModule(system.engine, MODULE) },
    inputs: { token: { $secret: 'TOKEN' } },
    limits: { network: 'none' },
  });
  const found = await system.client.plan(started);
  if (found === undefined) throw new Error('there is no plan');
  plan = found;
});
afterAll(() => system.close());

test('a plan that is too large to be shown has a link to all of it, without a secret', async () => {
  expect(plan.changeCount).toBe(300);
  expect(plan.changes.length).toBeLessThan(300);
  const response = await fetch(plan.link ?? '');
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toBe('no-store');
  const text = await response.text();
  expect(text).not.toContain(TOKEN);
  const whole = JSON.parse(text) as PlanView;
  expect(whole.planDigest).toBe(plan.planDigest);
  expect(whole.changes).toHaveLength(300);
  const shown = await command(['plan', 'show', stackId], { env: system.env });
  expect(shown.stdout).toContain(`all of them: ${plan.link ?? ''}`);
});

test('a link that somebody changed opens nothing', async () => {
  const link = new URL(plan.link ?? '');
  const changed = (change: (url: URL) => void): URL => {
    const url = new URL(link);
    change(url);
    return url;
  };
  const other = plan.planDigest.replace(/^sha256:/, '').replace(/./g, '0');
  const urls = [
    changed((url) =>
      url.searchParams.set('until', String(Number(url.searchParams.get('until')) + 1)),
    ),
    changed((url) => url.searchParams.set('signature', '0'.repeat(64))),
    changed((url) => url.searchParams.delete('signature')),
    changed((url) => (url.pathname = url.pathname.replace(/[0-9a-f]{64}$/, other))),
    changed((url) => (url.pathname = url.pathname.replace(stackId, 'another'))),
  ];
  for (const url of urls) expect((await fetch(url)).status, url.href).toBe(403);
});

test('there is nothing else, and nothing can be changed', async () => {
  for (const path of [
    '/',
    '/stacks',
    `/stacks/${stackId}`,
    '/stacks/../records/x',
    '/%2e%2e/etc/passwd',
  ])
    expect((await fetch(`${base}${path}`)).status, path).toBe(404);
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH'])
    expect((await fetch(plan.link ?? '', { method })).status, method).toBe(405);
});

test('health, readiness and metrics', async () => {
  expect((await fetch(`${base}/healthz`)).status).toBe(200);
  const ready = await fetch(`${base}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([
    200,
    { status: 'ok', worker: 'ok', engine: 'ok', store: 'ok' },
  ]);
  const text = await (await fetch(metrics)).text();
  expect(text).toMatch(/^temporal_worker_task_slots_available\{.*\} \d/m);
  expect(text).not.toContain(TOKEN);
});

test('an address that is taken is told when the worker starts', async () => {
  const both = await command(['worker'], { env: system.env });
  expect(both.exitCode).toBe(2);
  expect(both.stderr).toMatch(/CLDCTL_METRICS_ADDRESS 127\.0\.0\.1:\d+ can't be listened on/);
  const { exitCode, stderr } = await command(['worker'], {
    env: { ...system.env, CLDCTL_METRICS_ADDRESS: '' },
  });
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(
    /CLDCTL_HTTP_ADDRESS 127\.0\.0\.1:\d+ can't be listened on \(EADDRINUSE\)/,
  );
});
