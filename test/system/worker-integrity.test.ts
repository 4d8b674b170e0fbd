/** The plan that was approved is the plan that runs: what moves between question and answer, and what is asked again then. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StartedOperation } from '../../src/client/index.js';
import type { OperationInput, OperationResult } from '../../src/contract/operation.js';
import { command } from '../support/command.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';

/** A value that is only known after the apply, a secret, and a tool that sees a credential. */
const MODULE = `
variable "name" { type = string }
variable "token" {
  type      = string
  sensitive = true
}
resource "terraform_data" "a" { input = "\${var.name} \${sha256(var.token)}" }
resource "terraform_data" "b" { input = terraform_data.a.id }
output "name" { value = var.name }
`;

let folder: string;
let system: LocalSystem;
let image: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'integrity-'));
  secret('TOKEN', 'first-token-value');
  secret('API_KEY', 'first-key-value');
  system = await createLocalSystem({
    env: { CLDCTL_SECRETS_DIR: folder, CLDCTL_CREDENTIALS: 'API_KEY' },
  });
  image = await tofuModule(system.engine, MODULE);
  await system.startWorker();
});
afterAll(async () => {
  await system.close();
  rmSync(folder, { recursive: true, force: true });
});

function secret(name: string, value: string): void {
  writeFileSync(join(folder, name), value);
}

function operation(stackId: string, more: Partial<OperationInput> = {}): OperationInput {
  return {
    stackId,
    operation: 'apply',
    module: { image },
    inputs: { name: 'one', token: { $secret: 'TOKEN' } },
    limits: { network: 'none' },
    requestedBy: 'test',
    ...more,
  };
}

async function made(purpose: string): Promise<string> {
  const stackId = uniqueStack(purpose);
  const started = await system.client.start(
    operation(stackId, { approval: { mode: 'auto', expiresIn: '1h' } }),
  );
  expect((await system.client.result(started)).outcome).toBe('succeeded');
  return stackId;
}

/** A new version of the state, with the same things in it. */
async function moveState(stackId: string): Promise<void> {
  const { exitCode, stderr } = await command(['state', 'restore', stackId, '1'], {
    env: system.env,
  });
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
}

async function answer(started: StartedOperation, planDigest = ''): Promise<void> {
  await system.client.approve(started, { planDigest, by: 'ann' });
}

/** The plan that is asked about, once it is another than the one before. */
async function askedAgain(started: StartedOperation, before: string): Promise<string> {
  const waiting = async (): Promise<string | undefined> => {
    const { phase, planDigest } = await system.client.state(started);
    return phase === 'awaiting-approval' && planDigest !== before ? planDigest : undefined;
  };
  await expect.poll(waiting, { timeout: 60_000 }).toBeDefined();
  return (await waiting()) ?? '';
}

const decisions = ({ decisions: all }: OperationResult): string[] =>
  all.map(({ decision, by, reason }) => [decision, by, reason ?? ''].join(' ').trim());

describe('between the question and the answer', () => {
  test('the state moves, and the changes stay the same: the approval stands, and why is recorded', async () => {
    const stackId = await made('carried');
    const started = await system.client.startAndWaitPlan(
      operation(stackId, { operation: 'destroy' }),
    );
    await moveState(stackId);
    await answer(started, started.ready.planDigest);
    const result = await system.client.result(started);
    expect(result).toMatchObject({ outcome: 'succeeded', receipt: { done: 2, unapproved: 0 } });
    expect(result.planDigest).not.toBe(started.ready.planDigest);
    expect(decisions(result)).toEqual([
      'approve ann',
      expect.stringMatching(
        /^auto carry-over approval of [0-9a-f]{16} stands: only the state moved/,
      ),
    ]);
  });

  test('the state moves, and a value is known only after the apply: asked again', async () => {
    const stackId = await made('unknown');
    const started = await system.client.startAndWaitPlan(
      operation(stackId, { inputs: { name: 'two', token: { $secret: 'TOKEN' } } }),
    );
    const first = started.ready.planDigest ?? '';
    await moveState(stackId);
    await answer(started, first);
    const second = await askedAgain(started, first);
    // The old question can't be answered any more.
    await expect(answer(started, first)).rejects.toMatchObject({
      message: expect.stringContaining('the plan under review is') as string,
    });
    await answer(started, second);
    const result = await system.client.result(started);
    expect(result).toMatchObject({ outcome: 'succeeded', planDigest: second });
    expect(decisions(result)).toEqual(['approve ann', 'approve ann']);
    expect(result.decisions.map(({ planDigest }) => planDigest)).toEqual([first, second]);
  });

  test('the state moves again and again: after three rounds somebody has to look', async () => {
    const stackId = await made('rounds');
    const started = await system.client.startAndWaitPlan(
      operation(stackId, { inputs: { name: 'two', token: { $secret: 'TOKEN' } } }),
    );
    let digest = started.ready.planDigest ?? '';
    for (let round = 1; round <= 3; round += 1) {
      await moveState(stackId);
      await answer(started, digest);
      if (round < 3) digest = await askedAgain(started, digest);
    }
    await expect(system.client.result(started)).rejects.toMatchObject({ code: 'PlanStale' });
    expect((await system.client.stack(stackId)).outputs).toEqual({ name: { value: 'one' } });
  });

  test('the value of a secret input changes: asked again', async () => {
    const stackId = await made('secret');
    secret('TOKEN', 'second-token-value');
    const started = await system.client.startAndWaitPlan(operation(stackId));
    const first = started.ready.planDigest ?? '';
    secret('TOKEN', 'third-token-value');
    await answer(started, first);
    const second = await askedAgain(started, first);
    await answer(started, second);
    expect(await system.client.result(started)).toMatchObject({
      outcome: 'succeeded',
      planDigest: second,
    });
  });

  test('a credential changes: nobody is asked again', async () => {
    const stackId = await made('credential');
    const started = await system.client.startAndWaitPlan(
      operation(stackId, { inputs: { name: 'two', token: { $secret: 'TOKEN' } } }),
    );
    secret('API_KEY', 'second-key-value');
    await answer(started, started.ready.planDigest);
    const result = await system.client.result(started);
    expect(result).toMatchObject({
      outcome: 'succeeded',
      planDigest: started.ready.planDigest,
    });
    expect(decisions(result)).toEqual(['approve ann']);
  });

  test('others look at the stack, on the newest state, and disturb nothing', async () => {
    const stackId = await made('looked-at');
    const started = await system.client.startAndWaitPlan(
      operation(stackId, { inputs: { name: 'two', token: { $secret: 'TOKEN' } } }),
    );
    const looks = await Promise.all(
      ['two', 'three'].map(async (name) => {
        const look = await system.client.start(
          operation(stackId, {
            operation: 'preview',
            inputs: { name, token: { $secret: 'TOKEN' } },
          }),
        );
        return system.client.result(look);
      }),
    );
    for (const { outcome, summary } of looks)
      expect([outcome, summary?.update]).toEqual(['succeeded', 1]);
    await answer(started, started.ready.planDigest);
    expect((await system.client.result(started)).outcome).toBe('succeeded');
  });
});

test('nothing of a stack is on the engine between its operations: its volumes can go', async () => {
  const stackId = await made('volumes');
  const filters = { label: [`dev.cldctl.stack-id=${stackId}`] };
  await expect
    .poll(async () => (await system.containers(stackId)).length, { timeout: 30_000 })
    .toBe(0);
  const { Volumes } = await system.engine.docker.listVolumes({ filters });
  for (const { Name } of Volumes) await system.engine.docker.getVolume(Name).remove();
  const again = await system.client.start(
    operation(stackId, { approval: { mode: 'on-changes', expiresIn: '1h' } }),
  );
  expect((await system.client.result(again)).outcome).toBe('no-changes');
});
