/** A store that is full, read-only, away or altered: nothing starts, and what was done is kept until it can be stored. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StartedOperation } from '../../src/client/index.js';
import type { OperationInput } from '../../src/contract/operation.js';
import { readRecord } from '../../src/stack/record.js';
import { encodeKey } from '../../src/store/object-store.js';
import type { Store } from '../../src/store/open-store.js';
import { command } from '../support/command.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';
import { mountStoreDisk, type DiskFault, type StoreDisk } from '../support/store-disk.js';

const MODULE = `
variable "seconds" { type = number }
resource "terraform_data" "slow" {
  input = var.seconds
  provisioner "local-exec" { command = "sleep \${var.seconds}" }
}
output "made" { value = terraform_data.slow.output }
`;
const FAULTS: readonly [DiskFault, RegExp][] = [
  ['full', /is full: free space on its disk/],
  ['read-only', /is read-only: mount it writable/],
  ['away', /is away: its folder is gone; mount it again/],
];

let disk: StoreDisk;
let system: LocalSystem;
let store: Store;
let image: string;

beforeAll(async () => {
  disk = await mountStoreDisk();
  system = await createLocalSystem({
    env: { CLDCTL_STORE: pathToFileURL(join(disk.path, 'store')).href },
  });
  image = await tofuModule(system.engine, MODULE);
  await system.startWorker();
  store = await system.openStore();
});
afterAll(async () => {
  store?.close();
  await system?.close();
  await disk?.remove();
});

function operation(stackId: string, more: Partial<OperationInput> = {}): OperationInput {
  return {
    stackId,
    operation: 'apply',
    limits: { network: 'none' },
    approval: { mode: 'auto', expiresIn: '1h' },
    ...more,
  };
}

const making = (stackId: string, seconds: number): OperationInput =>
  operation(stackId, { module: { image }, inputs: { seconds } });

/** What the server shows of the step that is tried again. */
async function lastFailure({ workflowId, runId }: StartedOperation): Promise<string> {
  const connection = await Connection.connect({ address: system.address });
  try {
    const { raw } = await new Client({ connection }).workflow
      .getHandle(workflowId, runId)
      .describe();
    return raw.pendingActivities?.[0]?.lastFailure?.message ?? '';
  } finally {
    await connection.close();
  }
}

async function attemptsStarted(stackId: string): Promise<number> {
  let started = 0;
  for await (const { key } of store.objects.list(`attempts/${stackId}/`))
    if (key.endsWith('.started')) started += 1;
  return started;
}

describe.each(FAULTS)('a store that is %s', (fault, said) => {
  test('before an operation: nothing is changed, and it goes on when the store is back', async () => {
    const stackId = uniqueStack('before');
    const waiting = await system.client.startAndWaitPlan({
      ...making(stackId, 0),
      approval: { mode: 'required', expiresIn: '1h' },
    });
    await disk.make(fault);
    try {
      const planDigest = waiting.ready.planDigest ?? '';
      await system.client.approve(waiting, { planDigest, by: 'ann' });
      await expect.poll(() => lastFailure(waiting), { timeout: 60_000 }).toMatch(said);
      expect(await system.containers(stackId)).toEqual([]);
    } finally {
      await disk.mend(fault);
    }
    expect(await system.client.result(waiting)).toMatchObject({
      outcome: 'succeeded',
      planDigest: waiting.ready.planDigest,
      receipt: { done: 1, failed: 0, unapproved: 0 },
    });
    expect(await attemptsStarted(stackId)).toBe(1);
  });

  test('after the tool has run: its result stays on the engine, and is stored before the run is called done', async () => {
    const stackId = uniqueStack('after');
    const started = await system.client.start(making(stackId, 2));
    await expect
      .poll(async () => (await system.containers(stackId))[0]?.state, { timeout: 60_000 })
      .toBe('running');
    const [container] = await system.containers(stackId);
    await disk.make(fault);
    try {
      await system.engine.docker.getContainer(container?.id ?? '').wait();
      await expect.poll(() => lastFailure(started), { timeout: 60_000 }).toMatch(said);
      expect(await system.client.state(started)).toMatchObject({ phase: 'apply' });
      expect(await system.containers(stackId)).toEqual([{ id: container?.id, state: 'exited' }]);
    } finally {
      await disk.mend(fault);
    }
    expect(await system.client.result(started)).toMatchObject({
      outcome: 'succeeded',
      receipt: { done: 1, failed: 0, unapproved: 0 },
    });
    const record = await system.client.stack(stackId);
    expect(record).toMatchObject({ outputs: { made: { value: 2 } }, state: { version: 1 } });
    expect(record.operations).toHaveLength(1);
    expect(await attemptsStarted(stackId)).toBe(1);
  });
});

describe('one flipped bit', () => {
  const stackId = uniqueStack('flipped');

  async function flip(key: string): Promise<void> {
    const path = join(disk.path, 'store', encodeKey(key));
    const bytes = await readFile(path);
    const at = bytes.length - 5;
    bytes[at] = (bytes[at] ?? 0) ^ 4;
    await writeFile(path, bytes);
  }

  async function keys(prefix: string): Promise<string[]> {
    const found: string[] = [];
    for await (const { key } of store.objects.list(prefix)) found.push(key);
    return found;
  }

  beforeAll(async () => {
    await system.client.result(await system.client.start(making(stackId, 0)));
  });

  test.each(['records', 'states', 'artefacts'] as const)(
    'in %s: the operation stops and names the object; nothing is planned',
    async (kind) => {
      const lastApplied = (await readRecord(store, stackId))?.record.lastApplied;
      const inputs = lastApplied?.inputsRef?.replace('sha256:', '') ?? 'none';
      const key =
        kind === 'artefacts'
          ? (await keys('artefacts/')).find((one) => one.endsWith(inputs))
          : (await keys(`${kind}/${stackId}/`)).at(-1);
      await flip(key ?? '');
      try {
        const started = await system.client.start(operation(stackId, { operation: 'destroy' }));
        await expect(system.client.result(started)).rejects.toMatchObject({
          code: 'StateDamaged',
          message: expect.stringContaining(key ?? '') as string,
        });
      } finally {
        await flip(key ?? '');
      }
    },
  );

  test('in a plan that is approved: it is not run', async () => {
    const waiting = await system.client.startAndWaitPlan(
      operation(stackId, {
        operation: 'destroy',
        approval: { mode: 'required', expiresIn: '1h' },
      }),
    );
    const planDigest = waiting.ready.planDigest ?? '';
    const plans = await keys(`plans/${stackId}/`);
    const key = plans.find((one) => one.endsWith(planDigest.replace('sha256:', ''))) ?? '';
    await flip(key);
    await system.client.approve(waiting, { planDigest, by: 'ann' });
    await expect(system.client.result(waiting)).rejects.toMatchObject({
      code: 'StateDamaged',
      message: expect.stringContaining(key) as string,
    });
    expect(await attemptsStarted(stackId)).toBe(1);
    await flip(key);
    const done = await system.client.start(operation(stackId, { operation: 'destroy' }));
    expect(await system.client.result(done)).toMatchObject({
      outcome: 'succeeded',
      receipt: { done: 1 },
    });
  });
});

test('a worker with another master key, or none, does not start', async () => {
  const other = join(disk.path, 'other-key');
  await writeFile(other, Buffer.alloc(32, 7).toString('hex'), { mode: 0o600 });
  const wrong = await command(['worker'], {
    env: { ...system.env, CLDCTL_MASTER_KEY_FILE: other },
  });
  expect(wrong.exitCode).not.toBe(0);
  expect(wrong.stderr).toContain('InvalidConfiguration');
  const none = await command(['worker', '--create-key'], {
    env: { ...system.env, CLDCTL_MASTER_KEY_FILE: join(disk.path, 'no-key') },
  });
  expect(none.exitCode).not.toBe(0);
  expect(none.stderr).toContain('its master key');
});
