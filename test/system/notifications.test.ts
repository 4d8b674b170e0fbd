/** Webhooks: told what they asked for, signed, tried again; one that is down holds up nothing. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { notificationSchema, type Notification } from '../../src/contract/notification.js';
import type { OperationInput } from '../../src/contract/operation.js';
import { freePort } from '../../src/setup/free-port.js';
import { packageRoot } from '../../src/setup/package-root.js';
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
variable "broken" {
  type    = bool
  default = false
}
resource "terraform_data" "a" { input = sha256(var.token) }
resource "terraform_data" "fails" {
  count = var.broken ? 1 : 0
  provisioner "local-exec" { command = "echo no; exit 3" }
}
`;
const TOKEN = 'notify-horse-battery-staple';
const SECRET = `whsec_${randomBytes(24).toString('base64')}`;
const OTHER = `whsec_${randomBytes(24).toString('base64')}`;

interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly status: number;
}

let folder: string;
let receiver: Server;
let system: LocalSystem;
let image: string;
const deliveries: Delivery[] = [];
/** What the receiver answers next, before it is well again. */
const answers: number[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'webhooks-'));
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const status = answers.shift() ?? 204;
      deliveries.push({ headers: request.headers, body: Buffer.concat(chunks).toString(), status });
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
    });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const { port } = receiver.address() as AddressInfo;
  const file = join(folder, 'webhooks.yaml');
  writeFileSync(
    file,
    JSON.stringify({
      webhooks: [
        { name: 'well', url: `http://127.0.0.1:${port}/iac`, secret: 'HOOK_SECRET' },
        {
          name: 'down',
          url: `http://127.0.0.1:${await freePort()}/`,
          secret: 'HOOK_SECRET',
          events: ['approval.expired'],
        },
      ],
    }),
  );
  system = await createLocalSystem({
    env: {
      CLDCTL_WEBHOOKS_FILE: file,
      CLDCTL_SECRETS_ENV: 'HOOK_SECRET,TOKEN',
      HOOK_SECRET: SECRET,
      TOKEN,
      CLDCTL_UI_URL: 'http://ui.example.com',
    },
  });
  image = await tofuModule(system.engine, MODULE);
  await system.startWorker();
});
afterAll(async () => {
  await system.close();
  receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

function operation(stackId: string, more: Partial<OperationInput> = {}): OperationInput {
  return {
    stackId,
    operation: 'apply',
    module: { image },
    inputs: { token: { $secret: 'TOKEN' } },
    limits: { network: 'none' },
    requestedBy: 'ann',
    ...more,
  };
}

const told = (stackId: string): Notification[] =>
  deliveries
    .filter(({ status }) => status < 300)
    .map(({ body }) => notificationSchema.strict().parse(JSON.parse(body)))
    .filter((notification) => notification.stackId === stackId);

test('who waits, for how long still, and that it is over; a receiver that is down holds up nothing', async () => {
  const stackId = uniqueStack('expires');
  answers.push(500, 302);
  const started = await system.client.startAndWaitPlan(
    operation(stackId, {
      approval: { mode: 'required', expiresIn: '25s', remindAfter: '5s' },
    }),
  );
  expect((await system.client.result(started)).outcome).toBe('expired');
  await expect
    .poll(
      () =>
        told(stackId)
          .map(({ event }) => event)
          .sort(),
      { timeout: 60_000 },
    )
    .toEqual(['approval.expired', 'approval.reminder', 'approval.waiting']);
  const waiting = told(stackId).find(({ event }) => event === 'approval.waiting');
  expect(waiting).toMatchObject({
    operation: 'apply',
    requestedBy: 'ann',
    planDigest: started.ready.planDigest,
    decideUntil: started.ready.decideUntil,
    summary: { create: 1 },
    workflowId: started.workflowId,
    runId: started.runId,
  });
  expect(waiting?.uiUrl).toMatch(/^http:\/\/ui\.example\.com\/.*user-metadata$/);
  // Refused twice, taken the third time: the same notification.
  const tries = deliveries.filter(({ headers }) => headers['webhook-id'] === waiting?.id);
  expect(tries.map(({ status }) => status)).toEqual([500, 302, 204]);
  const connection = await Connection.connect({ address: system.address });
  try {
    const query = "WorkflowType = 'deliverNotification' AND ExecutionStatus = 'Running'";
    const open = [];
    const client = new Client({ connection });
    for await (const { workflowId } of client.workflow.list({ query })) open.push(workflowId);
    expect(open).toEqual([expect.stringMatching(/^notify:.*:approval\.expired:/)]);
    const { raw } = await client.workflow.getHandle(open[0] ?? '').describe();
    const [pending] = raw.pendingActivities ?? [];
    expect(pending?.lastFailure?.message).toMatch(/webhook down: .*ECONNREFUSED/);
  } finally {
    await connection.close();
  }
}, 180_000);

test('a failure is told with its code, and no secret is in anything that is sent', async () => {
  const stackId = uniqueStack('fails');
  const started = await system.client.start(
    operation(stackId, {
      inputs: { token: { $secret: 'TOKEN' }, broken: true },
      approval: { mode: 'auto', expiresIn: '1h' },
    }),
  );
  await expect(system.client.result(started)).rejects.toMatchObject({ code: 'ModuleFailed' });
  await expect.poll(() => told(stackId), { timeout: 30_000 }).toHaveLength(1);
  expect(told(stackId)[0]).toMatchObject({
    event: 'operation.failed',
    failure: { code: 'ModuleFailed' },
  });
  for (const { body } of deliveries) expect(body).not.toContain(TOKEN);
});

test('the check in the documentation takes what is genuine and nothing else', async () => {
  const page = readFileSync(join(packageRoot(), 'docs/notifications.md'), 'utf8');
  const [, snippet = ''] = /```js\n([^]*?)```/.exec(page) ?? [];
  const file = join(folder, 'check.mjs');
  writeFileSync(file, snippet);
  const { isGenuine } = (await import(pathToFileURL(file).href)) as {
    isGenuine(secret: string, headers: IncomingHttpHeaders, body: string): boolean;
  };
  expect(deliveries.length).toBeGreaterThan(0);
  for (const { headers, body } of deliveries) {
    expect(isGenuine(SECRET, headers, body)).toBe(true);
    expect(isGenuine(SECRET, headers, `${body} `)).toBe(false);
    expect(isGenuine(OTHER, headers, body)).toBe(false);
    expect(isGenuine(SECRET, { ...headers, 'webhook-timestamp': '1' }, body)).toBe(false);
  }
});

test('a file with mistakes is refused when the worker starts, each one named', async () => {
  const file = join(folder, 'wrong.yaml');
  writeFileSync(
    file,
    `webhooks:
  - {name: a, url: "ftp://example.com", secret: S}
  - {name: a, url: "https://user:pass@example.com", secret: S}
  - {name: c, url: "http://169.254.169.254/latest", secret: S, events: [approval.wating]}
`,
  );
  const { exitCode, stderr } = await command(['worker'], {
    env: { ...system.env, CLDCTL_WEBHOOKS_FILE: file },
  });
  expect(exitCode).toBe(2);
  for (const word of [
    'webhooks.0.url: neither http: nor https:',
    'webhooks.1.url: user and password in a URL',
    'webhooks.2.url: 169.254.169.254 is a link-local or metadata address',
    'webhooks.2.events.0:',
  ])
    expect(stderr).toContain(word);
  expect(stderr).not.toContain('user:pass');
});
