/** Who is asked, when, and for how long: saved previews, rules by class of change, expiry, and what is recorded of it all. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OperationInput, OperationResult } from '../../src/contract/operation.js';
import { readRecord, type OperationEntry } from '../../src/stack/record.js';
import { command, type RunningCommand } from '../support/command.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';

const MODULE = `
variable "name" { type = string }
variable "text" {
  type    = string
  default = ""
}
resource "terraform_data" "key" { input = var.name }
resource "terraform_data" "replaced" { triggers_replace = var.name }
output "name" { value = terraform_data.key.output }
output "length" { value = length(var.text) }
`;

let system: LocalSystem;
let worker: RunningCommand;
let image: string;

beforeAll(async () => {
  system = await createLocalSystem();
  image = await tofuModule(system.engine, MODULE);
  worker = await system.startWorker();
});
afterAll(() => system.close());

const apply = (stackId: string, name: string, more: Partial<OperationInput> = {}) => ({
  stackId,
  operation: 'apply' as const,
  module: { image },
  inputs: { name },
  limits: { network: 'none' as const },
  requestedBy: 'test',
  ...more,
});

const run = (...argv: string[]) => command(argv, { env: system.env });

async function json<T>(...argv: string[]): Promise<T> {
  const { stdout, stderr } = await run(...argv, '--json');
  expect(stdout, stderr).not.toBe('');
  return JSON.parse(stdout) as T;
}

/** The stack's own log, in the store. */
async function operationsOf(stackId: string): Promise<readonly OperationEntry[]> {
  const store = await system.openStore();
  try {
    return (await readRecord(store, stackId))?.record.operations ?? [];
  } finally {
    store.close();
  }
}

/** A preview as a pipeline makes it; returns the digest to apply. */
async function previewed(stackId: string, name: string): Promise<string> {
  const { plan } = await json<{ plan: { planDigest: string } }>(
    ...['preview', stackId, '--module', image, '--network', 'none', '--input', `name=${name}`],
  );
  return plan.planDigest;
}

describe('a preview of today', () => {
  const stackId = uniqueStack('saved');
  const elsewhere = uniqueStack('elsewhere');
  let digest: string;

  test('is applied later by its digest, by another command, as it was shown', async () => {
    digest = await previewed(stackId, 'one');
    const shown = await run('plan', 'show', digest.replace('sha256:', '').slice(0, 16));
    expect(shown.stdout).toContain('Plan: 2 to add, 0 to change, 0 to destroy');
    const { result: applied } = await json<{ result: OperationResult }>(
      ...['apply', stackId, '--plan', digest],
    );
    expect(applied).toMatchObject({ outcome: 'succeeded', planDigest: digest });
    expect(applied.receipt).toMatchObject({ done: 2, unapproved: 0 });
    expect((await run('plan', 'show', digest)).stdout).toContain('2 to add');
  });

  test('of another stack, or that nobody made, is refused', async () => {
    for (const [stack, plan] of [
      [elsewhere, digest],
      [stackId, `sha256:${'0'.repeat(64)}`],
    ] as const) {
      const refused = await run('apply', stack, '--plan', plan);
      expect(refused.exitCode).toBe(2);
      expect(refused.stderr).toContain('error: PlanNotFound: ');
    }
  });

  test('is asked about again when the stack moved on', async () => {
    const old = await previewed(stackId, 'two');
    const moved = await system.client.start(
      apply(stackId, 'three', { approval: { mode: 'auto', expiresIn: '1h' } }),
    );
    await system.client.result(moved);
    const asked = await json<{ plan: { planDigest: string } }>(
      ...['apply', stackId, '--plan', old, '--until', 'plan'],
    );
    await expect
      .poll(() => system.client.state(stackId), { timeout: 60_000 })
      .toMatchObject({ phase: 'awaiting-approval' });
    const { planDigest = '' } = await system.client.state(stackId);
    expect(planDigest).not.toBe(old);
    expect([old, planDigest]).toContain(asked.plan.planDigest);
    await system.client.reject(stackId, { planDigest, by: 'ann' });
    expect(await system.client.result(stackId)).toMatchObject({ outcome: 'rejected' });
    expect((await system.client.stack(stackId)).outputs).toMatchObject({
      name: { value: 'three' },
    });
  });
});

test('inputs above the limit are refused in a request; the command puts them into the store', async () => {
  const stackId = uniqueStack('large');
  const inputs = { name: 'one', text: 'x'.repeat(300 * 1024) };
  await expect(system.client.start({ ...apply(stackId, 'one'), inputs })).rejects.toMatchObject({
    code: 'InvalidInput',
    message: expect.stringMatching(/^inputs: 3\d{5} bytes are more than 262144; /) as string,
  });
  const { exitCode, stderr } = await command(
    [
      'apply',
      stackId,
      '--module',
      image,
      '--network',
      'none',
      '--inputs',
      '-',
      '--approval',
      'auto',
    ],
    { env: system.env, stdin: JSON.stringify(inputs) },
  );
  expect(exitCode, stderr).toBe(0);
  expect((await system.client.stack(stackId)).outputs).toMatchObject({
    length: { value: 300 * 1024 },
  });
});

describe('rules by class of change', () => {
  const stackId = uniqueStack('rules');
  const approval = {
    mode: 'required' as const,
    expiresIn: '1h',
    rules: [
      {
        only: ['create', 'output'] as ('create' | 'output')[],
        then: 'auto' as const,
        reason: 'additions are fine',
      },
    ],
  };

  test('what only adds goes by itself, and the reason is recorded', async () => {
    const started = await system.client.start(apply(stackId, 'one', { approval }));
    const { planDigest, outcome, decisions } = await system.client.result(started);
    expect(outcome).toBe('succeeded');
    const recorded = [{ decision: 'auto', reason: 'additions are fine', planDigest }];
    expect(decisions).toMatchObject(recorded);
    const [last] = await operationsOf(stackId);
    expect(last).toMatchObject({ outcome: 'succeeded', decisions: recorded });
  });

  test('what replaces is asked about; every answer is recorded with who, when, what and why', async () => {
    const started = await system.client.startAndWaitPlan(apply(stackId, 'two', { approval }));
    const planDigest = started.ready.planDigest ?? '';
    await expect
      .poll(() => system.client.state(started))
      .toMatchObject({ phase: 'awaiting-approval', approvals: { have: 0, need: 1 } });
    await expect(
      system.client.approve(started, { planDigest: `sha256:${'1'.repeat(64)}`, by: 'eve' }),
    ).rejects.toThrow(/the plan under review is [0-9a-f]{16}, not 1{16}/);
    const answer = { planDigest, by: 'ann', comment: 'not on a Friday' };
    const answers = await Promise.allSettled([
      system.client.reject(started, answer),
      system.client.reject(started, { ...answer, by: 'bob' }),
    ]);
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await system.client.result(started)).toMatchObject({ outcome: 'rejected' });
    const last = (await operationsOf(stackId)).at(-1);
    expect(last).toMatchObject({
      outcome: 'rejected',
      planDigest,
      decisions: [{ decision: 'reject', planDigest, comment: 'not on a Friday' }],
    });
    expect(last?.decisions?.[0]?.by).toMatch(/^(ann|bob)$/);
    expect(Date.parse(last?.decisions?.[0]?.at ?? '')).toBeGreaterThan(0);
  });
});

test('a question that nobody answers expires, and an answer that comes later is refused', async () => {
  const stackId = uniqueStack('expiring');
  const started = await system.client.startAndWaitPlan(
    apply(stackId, 'one', { approval: { mode: 'required', expiresIn: '1s' } }),
  );
  const planDigest = started.ready.planDigest ?? '';
  expect(await system.client.result(started)).toMatchObject({ outcome: 'expired', planDigest });
  await expect(system.client.approve(started, { planDigest, by: 'late' })).rejects.toThrow();
  expect((await system.client.stack(stackId)).operations).toMatchObject([
    { outcome: 'expired', planDigest },
  ]);
  expect(await system.containers(stackId)).toEqual([]);
});

test('a saved plan that is older than it may be is neither applied nor lost', async () => {
  worker.signal('SIGTERM');
  await worker.done;
  await system.startWorker({ CLDCTL_PLAN_MAX_AGE: '1s' });
  const stackId = uniqueStack('aged');
  const digest = await previewed(stackId, 'one');
  const { expiresAt } = await json<{ expiresAt: string }>('plan', 'show', digest);
  await expect.poll(() => Date.now(), { timeout: 10_000 }).toBeGreaterThan(Date.parse(expiresAt));
  const refused = await run('apply', stackId, '--plan', digest);
  expect(refused.exitCode).toBe(3);
  expect(refused.stderr).toContain('error: PlanExpired: ');
  expect((await run('plan', 'show', digest)).stdout).toContain('2 to add');
  expect(await system.containers(stackId)).toEqual([]);
});
