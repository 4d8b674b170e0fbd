/** Three hundred plans wait while server and workers go away and come back; then each stack applies exactly its plan, once. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StartedOperation } from '../../src/client/index.js';
import type { OperationInput } from '../../src/contract/operation.js';
import type { RunningCommand } from '../support/command.js';
import { command } from '../support/command.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';

const STACKS = 300;
const MODULE = `
variable "name" { type = string }
resource "terraform_data" "a" { input = var.name }
output "name" { value = terraform_data.a.output }
`;

const prefix = uniqueStack('waiting');
let system: LocalSystem;
let workers: RunningCommand[];
let image: string;

beforeAll(async () => {
  system = await createLocalSystem({ durable: true });
  image = await tofuModule(system.engine, MODULE);
  // Both serve one store and one engine.
  workers = [await system.startWorker(), await system.startWorker()];
});
afterAll(() => system.close());

/** Does the work for every item, a few at a time. */
async function eachOf<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++)
      results[index] = await work(items[index] as T);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return results;
}

const stackId = (index: number): string => `${prefix}-${String(index).padStart(3, '0')}`;
const operation = (index: number): OperationInput => ({
  stackId: stackId(index),
  operation: 'apply',
  module: { image },
  inputs: { name: `name-${index}` },
  limits: { network: 'none' },
  approval: { mode: 'required', expiresIn: '7d' },
});

test('each applies exactly the digest that was waiting', async () => {
  const indexes = Array.from({ length: STACKS }, (_, index) => index);
  const started = await eachOf(indexes, (index) =>
    system.client.startAndWaitPlan(operation(index)),
  );
  const digests = started.map(({ ready }) => ready.planDigest ?? '');
  expect(new Set(digests).size).toBe(STACKS);

  for (const worker of workers) worker.signal('SIGKILL');
  await Promise.all(workers.map(({ done }) => done));
  await system.restartTemporal();
  await Promise.all([system.startWorker(), system.startWorker()]);

  const approve = async (one: StartedOperation, index: number) => {
    // The first call may meet a server that is still coming up.
    await expect
      .poll(
        () =>
          system.client.state(one).then(
            ({ planDigest }) => planDigest,
            () => '',
          ),
        {
          timeout: 120_000,
        },
      )
      .toBe(digests[index]);
    await system.client.approve(one, { planDigest: digests[index] ?? '', by: 'ann' });
    return system.client.result(one);
  };
  const results = await eachOf(indexes, (index) => {
    const one = started[index];
    if (one === undefined) throw new Error(`stack ${index} was not started`);
    return approve(one, index);
  });
  results.forEach((result, index) =>
    expect(result).toMatchObject({
      outcome: 'succeeded',
      planDigest: digests[index],
      receipt: { done: 1, failed: 0, not_reached: 0, unapproved: 0 },
      outputs: { name: { value: `name-${index}` } },
    }),
  );

  const store = await system.openStore();
  try {
    const attempts = new Map<string, string[]>();
    for await (const { key } of store.objects.list('attempts/')) {
      const [, stack = '', plan = '', mark = ''] = key.split('/');
      if (mark.endsWith('.started')) attempts.set(stack, [...(attempts.get(stack) ?? []), plan]);
    }
    expect(attempts.size).toBe(STACKS);
    indexes.forEach((index) =>
      expect(attempts.get(stackId(index))).toEqual([digests[index]?.replace('sha256:', '')]),
    );
  } finally {
    store.close();
  }
}, 1_800_000);

test('the stacks are listed, and one is looked at, in under a second', async () => {
  const took: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const began = performance.now();
    const rows = [];
    for await (const row of system.client.stacks({ prefix })) rows.push(row);
    took.push(performance.now() - began);
    expect(rows).toHaveLength(STACKS);
  }
  const status = performance.now();
  const shown = await command(['status', stackId(7)], { env: system.env });
  expect(shown.stdout).toContain('succeeded');
  console.log({ listMs: took.map(Math.round), statusMs: Math.round(performance.now() - status) });
  expect(Math.min(...took)).toBeLessThan(1000);
});
