/** A plan of 20 MB over 5,000 resources: planned, shown, approved and carried out, and how much the worker grows by it. */
import { readFileSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlanView } from '../../src/contract/operation.js';
import { freePort } from '../../src/setup/free-port.js';
import { command, type RunningCommand } from '../support/command.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';

const RESOURCES = 5000;
const MEGABYTE = 1024 * 1024;
/** Text that doesn't get smaller when it is packed: 4,096 characters each. */
const MODULE = `
resource "terraform_data" "large" {
  count = ${RESOURCES}
  input = join("", [for part in range(32) : sha512("\${count.index} \${part}")])
}
`;

const stackId = uniqueStack('large');
let system: LocalSystem;
let worker: RunningCommand;
let image: string;

beforeAll(async () => {
  const address = `127.0.0.1:${await freePort()}`;
  system = await createLocalSystem({
    env: { CLDCTL_HTTP_ADDRESS: address, CLDCTL_HTTP_URL: `http://${address}` },
  });
  image = await tofuModule(system.engine, MODULE);
  worker = await system.startWorker();
});
afterAll(() => system.close());

test('it passes whole and stays out of history', async () => {
  // The first operation loads what every one needs.
  const small = await tofuModule(system.engine, 'resource "terraform_data" "small" {}');
  const first = operation('preview', uniqueStack('small'), small);
  await system.client.result(await system.client.start(first));
  const before = memory('VmRSS');
  const from = performance.now();
  const started = await system.client.startAndWaitPlan(operation('apply', stackId, image));
  const planned = performance.now();
  const plan = await system.client.plan(started);
  expect(plan?.changeCount).toBe(RESOURCES);
  expect(plan?.changes.length).toBeLessThan(RESOURCES);

  const whole = await (await fetch(plan?.link ?? '')).text();
  expect(whole.length).toBeGreaterThan(20 * MEGABYTE);
  expect((JSON.parse(whole) as PlanView).changes).toHaveLength(RESOURCES);
  const shown = await command(['plan', 'show', stackId], { env: system.env });
  expect(shown.stdout).toContain(`Plan: ${RESOURCES} to add`);
  expect(shown.stdout).toContain(`all of them: ${plan?.link ?? ''}`);

  const approving = performance.now();
  await system.client.approve(started, { planDigest: plan?.planDigest ?? '', by: 'ann' });
  const result = await system.client.result(started);
  expect(result).toMatchObject({ outcome: 'succeeded', receipt: { done: RESOURCES, failed: 0 } });
  const seconds = {
    plan: (planned - from) / 1000,
    apply: (performance.now() - approving) / 1000,
  };

  const connection = await Connection.connect({ address: system.address });
  const { historySize = 0 } = await new Client({ connection }).workflow
    .getHandle(started.workflowId, started.runId)
    .describe();
  await connection.close();
  expect(historySize).toBeLessThan(MEGABYTE);
  const grown = (memory('VmHWM') - before) / MEGABYTE;
  console.log(JSON.stringify({ ...seconds, historySize, wholePlan: whole.length, grown }));
  expect(grown).toBeLessThan(150);
});

function operation(action: 'preview' | 'apply', id: string, image: string) {
  return {
    stackId: id,
    operation: action,
    module: { image },
    limits: { network: 'none' as const },
  };
}

/** Bytes of the worker. */
function memory(what: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${worker.pid}/status`, 'utf8');
  return Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
}
