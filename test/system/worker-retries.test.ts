/** What is tried again while it is seen, and what is not, through a worker: an engine that is away, and modules that fail by themselves. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RetryView, StartedOperation } from '../../src/client/index.js';
import type { OperationInput } from '../../src/contract/operation.js';
import { startHeldEngine, type HeldEngine } from '../support/held-engine.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';
import { testEngine } from '../support/test-engine.js';

const UNPLANNABLE = `
resource "terraform_data" "a" {
  lifecycle {
    precondition {
      condition     = terraform.workspace == "other"
      error_message = "not here"
    }
  }
}
`;

let held: HeldEngine;
let system: LocalSystem;
let folder: string;

beforeAll(async () => {
  const engine = await testEngine();
  folder = await mkdtemp(join(tmpdir(), 'retries-'));
  held = await startHeldEngine(engine);
  system = await createLocalSystem({
    engine: { host: held.host, engine },
    env: { CLDCTL_MODULES_ROOT: folder },
  });
  await system.startWorker();
});
afterAll(async () => {
  held?.release();
  await system?.close();
  await held?.close();
  await rm(folder, { recursive: true, force: true });
});

async function module(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  await mkdir(join(folder, name));
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, name, file), text);
  return name;
}

const apply = (stackId: string, module: OperationInput['module']): OperationInput => ({
  stackId,
  operation: 'apply',
  module,
  limits: { network: 'none' },
  approval: { mode: 'auto', expiresIn: '1h' },
});

/** How often each step of an operation was begun. */
async function tries({ workflowId, runId }: StartedOperation): Promise<Record<string, number>> {
  const connection = await Connection.connect({ address: system.address });
  try {
    const handle = new Client({ connection }).workflow.getHandle(workflowId, runId);
    const { events } = await handle.fetchHistory();
    const names = new Map<string, string>();
    const counts: Record<string, number> = {};
    for (const { eventId, ...event } of events ?? []) {
      const scheduled = event.activityTaskScheduledEventAttributes;
      if (scheduled != null) names.set(String(eventId), scheduled.activityType?.name ?? '');
      const started = event.activityTaskStartedEventAttributes;
      if (started != null)
        counts[names.get(String(started.scheduledEventId)) ?? ''] = started.attempt ?? 0;
    }
    return counts;
  } finally {
    await connection.close();
  }
}

test('an engine that is away: its step waits longer from try to try, says when and why, and goes on when it is back', async () => {
  const stackId = uniqueStack('engine-away');
  const name = await module(stackId, { 'main.tf': 'output "o" { value = 1 }\n' });
  held.cut();
  const started = await system.client.start(apply(stackId, { path: name }));
  const seen = new Map<number, { retry: RetryView; from: number }>();
  const look = async (): Promise<number> => {
    const { retry } = await system.client.describe(started);
    if (retry?.at !== undefined && !seen.has(retry.attempt))
      seen.set(retry.attempt, { retry, from: Date.now() });
    return seen.size;
  };
  await expect.poll(look, { timeout: 60_000, interval: 50 }).toBeGreaterThanOrEqual(4);
  const waits = [...seen.values()];
  for (const { retry } of waits)
    expect(retry).toMatchObject({
      step: 'build',
      reason: expect.stringMatching(/^DockerUnavailable: /) as string,
    });
  // 1, 2, 4, 8 s: told in whole seconds, and seen a moment after they began.
  const [first, last] = [waits[0], waits.at(-1)].map((wait) =>
    wait?.retry.at === undefined ? 0 : wait.retry.at.getTime() - wait.from,
  );
  expect(last).toBeGreaterThan((first ?? 0) + 2000);
  held.release();
  expect(await system.client.result(started)).toMatchObject({ outcome: 'succeeded' });
});

test('what a module gets wrong is tried once: a build step, a plan and a resource', async () => {
  const build = await module(uniqueStack('wrong-build'), {
    'main.tf': 'output "o" { value = 1 }\n',
    Dockerfile: 'FROM cldctl-iac/opentofu\nRUN ["false"]\n',
  });
  const rows = [
    [{ path: build }, 'BuildFailed', { build: 1 }],
    [{ image: await tofuModule(system.engine, UNPLANNABLE) }, 'ModuleFailed', { preview: 1 }],
    [
      {
        image: await tofuModule(
          system.engine,
          'resource "terraform_data" "a" {\n  provisioner "local-exec" { command = "exit 3" }\n}\n',
        ),
      },
      'ModuleFailed',
      { preview: 1, execute: 1 },
    ],
  ] as const;
  for (const [module, code, counts] of rows) {
    const started = await system.client.start(apply(uniqueStack('wrong'), module));
    await expect(system.client.result(started)).rejects.toMatchObject({ code });
    expect(await tries(started)).toEqual(counts);
  }
});
