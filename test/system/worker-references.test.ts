/** One stack's outputs feed another's inputs: by reference, secret ones too, and never through what the server keeps. */
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Json } from '../../src/contract/json.js';
import type { OperationResult } from '../../src/contract/operation.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';

const MODULE = `
variable "host" { type = string }
variable "password" {
  type      = string
  sensitive = true
}
resource "terraform_data" "database" { input = { host = var.host, password = var.password } }
output "address" { value = "\${var.host}:5432" }
output "password" {
  value     = var.password
  sensitive = true
}
output "ports" { value = [5432, 5433] }
`;
const PASSWORD = 'fed-horse-battery-staple';

let system: LocalSystem;
let image: string;
const [network, database, service] = ['network', 'database', 'service'].map(uniqueStack) as [
  string,
  string,
  string,
];

beforeAll(async () => {
  system = await createLocalSystem({
    env: { CLDCTL_SECRETS_ENV: 'PASSWORD', PASSWORD },
  });
  image = await tofuModule(system.engine, MODULE);
  await system.startWorker();
});
afterAll(() => system.close());

async function apply(stackId: string, inputs: Record<string, Json>): Promise<OperationResult> {
  const started = await system.client.start({
    stackId,
    operation: 'apply',
    module: { image },
    inputs,
    approval: { mode: 'auto', expiresIn: '1h' },
    limits: { network: 'none' },
  });
  return system.client.result(started);
}

const output = (stack: string, name: string) => ({ $output: { stack, name } });

test('an output is an input of the next stack, and a secret one stays secret', async () => {
  await apply(network, { host: 'db.internal', password: { $secret: 'PASSWORD' } });
  const fed = await apply(database, {
    host: output(network, 'address'),
    password: output(network, 'password'),
  });
  expect(fed).toMatchObject({
    outcome: 'succeeded',
    outputs: { address: { value: 'db.internal:5432:5432' }, password: { sensitive: true } },
  });
  const store = await system.openStore();
  try {
    const { readRecord } = await import('../../src/stack/record.js');
    const record = (await readRecord(store, database))?.record;
    expect(record?.outputs?.['password']).toEqual({ value: PASSWORD, sensitive: true });
  } finally {
    store.close();
  }
  const plan = await system.client.plan(database);
  expect(JSON.stringify(plan)).not.toContain(PASSWORD);
});

test('an output that is not there, and a stack that is not there, are named', async () => {
  const inputs = { host: 'x', password: output(network, 'passwd') };
  await expect(apply(service, inputs)).rejects.toMatchObject({
    code: 'InvalidInput',
    message: `stack ${network} has no output passwd; it has: address, password, ports`,
  });
  await expect(apply(service, { ...inputs, password: output('nowhere', 'a') })).rejects.toThrow(
    'there is no stack nowhere, whose output a an input refers to',
  );
  await expect(
    apply(service, { ...inputs, password: { $output: { stack: network } } }),
  ).rejects.toThrow('"$output" takes {"stack": id, "name": output}');
});

test('a circle is refused, however long', async () => {
  const host = output(network, 'address');
  await expect(apply(network, { host, password: 'p' })).rejects.toThrow(
    `that is a circle (${network} -> ${network})`,
  );
  await apply(service, { host: output(database, 'address'), password: 'p' });
  await expect(
    apply(network, { host: output(service, 'address'), password: 'p' }),
  ).rejects.toMatchObject({
    code: 'InvalidInput',
    message: expect.stringContaining(
      `(${network} -> ${service} -> ${database} -> ${network})`,
    ) as string,
  });
});

test('no history has the secret', async () => {
  const connection = await Connection.connect({ address: system.address });
  try {
    const client = new Client({ connection });
    let count = 0;
    for await (const { workflowId, runId } of client.workflow.list()) {
      const handle = client.workflow.getHandle(workflowId, runId);
      const history = historyToJSON(await handle.fetchHistory());
      const payloads = [...history.matchAll(/"data": ?"([^"]+)"/g)]
        .map(([, data = '']) => Buffer.from(data, 'base64').toString('utf8'))
        .join('\n');
      expect(history + payloads).not.toContain(PASSWORD);
      count += 1;
    }
    expect(count).toBeGreaterThan(5);
  } finally {
    await connection.close();
  }
});
