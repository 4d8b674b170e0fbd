/** The log of an operation: live, whole after a worker's death, without secrets, and never in the history. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../src/setup/free-port.js';
import type { LogChunk } from '../../src/contract/log.js';
import { command, type RunningCommand } from '../support/command.js';
import { scriptedImage } from '../support/scripted-image.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';

const TOKEN = 'logged-horse-battery-staple';
/** Prints lines, waits, and prints one more. */
const MODULE = `
variable "token" {
  type      = string
  sensitive = true
}
variable "count_of_lines" { type = number }
variable "seconds" { type = number }
resource "terraform_data" "talks" {
  triggers_replace = [var.count_of_lines, var.seconds]
  provisioner "local-exec" {
    command     = <<-EOT
      echo "the token is $TOKEN"
      seq -f "spoken %08.0f" 1 ${'$'}{var.count_of_lines}
      sleep ${'$'}{var.seconds}
      echo "spoken last"
    EOT
    environment = { TOKEN = nonsensitive(var.token) }
  }
}
`;

let system: LocalSystem;
let worker: RunningCommand;
let image: string;
let folder: string;

beforeAll(async () => {
  system = await createLocalSystem({
    env: {
      CLDCTL_HTTP_ADDRESS: `127.0.0.1:${await freePort()}`,
      CLDCTL_SECRETS_ENV: 'TOKEN',
      TOKEN,
    },
  });
  image = await tofuModule(system.engine, MODULE);
  folder = await mkdtemp(join(tmpdir(), 'logs-'));
});
afterAll(async () => {
  await system.close();
  await rm(folder, { recursive: true, force: true });
});

function talking(stackId: string, lines: number, seconds = 0) {
  return {
    stackId,
    operation: 'apply' as const,
    module: { image },
    inputs: { token: { $secret: 'TOKEN' }, count_of_lines: lines, seconds },
    approval: { mode: 'auto' as const, expiresIn: '1h' },
    limits: { network: 'none' as const },
  };
}

async function textsOf(chunks: AsyncIterable<LogChunk>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { lines } of chunks) texts.push(...lines.map(({ text }) => text));
  return texts;
}

const spoken = (texts: readonly string[]): string[] =>
  texts.flatMap((text) => /(?:\(local-exec\): |^)spoken (\d+|last)\b/.exec(text)?.[1] ?? []);
const numbers = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => String(index + 1).padStart(8, '0'));

test('lines come while the tool runs; what a new worker reads again is there once', async () => {
  worker = await system.startWorker();
  const stackId = uniqueStack('talks');
  const started = await system.client.start(talking(stackId, 50, 8));
  const texts: string[] = [];
  for await (const { lines } of system.client.logs(started, { follow: true })) {
    texts.push(...lines.map(({ text }) => text));
    if (spoken(texts).length === 50) break;
  }
  expect((await system.client.state(started)).phase).toBe('apply');
  worker.signal('SIGKILL');
  await worker.done;
  worker = await system.startWorker();
  expect(await system.client.result(started)).toMatchObject({ outcome: 'succeeded' });
  const whole = await textsOf(system.client.logs(started));
  expect(spoken(whole)).toEqual([...numbers(50), 'last']);
  expect(whole.join('\n')).toContain('the token is [redacted]');

  const shown = await command(['logs', stackId, '--step', 'apply'], { env: system.env });
  expect(shown.stderr).toBe('');
  expect(spoken(shown.stdout.split('\n'))).toEqual([...numbers(50), 'last']);
  expect(shown.stdout).toMatch(/^\d\d:\d\d:\d\d apply {3}.*the token is \[redacted\]/m);
  const { logs = '' } = await system.client.state(started);
  const response = await fetch(logs);
  expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  const text = await response.text();
  expect(spoken(text.split('\n'))).toEqual([...numbers(50), 'last']);
  expect(text).toMatch(/Z preview /);
  expect(text).not.toContain(TOKEN);
  expect((await fetch(logs.replace(/signature=.{8}/, 'signature=00000000'))).status).toBe(403);
  const odd = await fetch(`${logs}&from=first`);
  expect([odd.status, await odd.text()]).toEqual([400, expect.stringContaining('from is')]);
});

test('the command shows the log beside the phases, and follows one that somebody else started', async () => {
  const stackId = uniqueStack('shown');
  const inputs = join(folder, 'inputs.json');
  await writeFile(inputs, JSON.stringify(talking(stackId, 3).inputs));
  const applied = command(
    ['apply', stackId, '--module', image, '--inputs', inputs, '--approval', 'auto'],
    {
      env: system.env,
    },
  );
  await expect
    .poll(
      () =>
        system.client.describe(stackId).then(
          ({ phase }) => phase,
          () => undefined,
        ),
      {
        timeout: 30_000,
      },
    )
    .toBeDefined();
  const followed = await command(['logs', stackId, '-f', '--json'], { env: system.env });
  const { exitCode, stderr } = await applied;
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  expect(spoken(stderr.split('\n'))).toEqual([...numbers(3), 'last']);
  const rows = followed.stdout
    .trim()
    .split('\n')
    .map((row) => JSON.parse(row) as { at: string; step: string; text: string });
  expect(spoken(rows.map(({ text }) => text))).toEqual([...numbers(3), 'last']);
  expect(new Set(rows.map(({ step }) => step))).toEqual(new Set(['preview', 'apply']));
});

test('without an endpoint the log comes from the store; without its key that is said', async () => {
  const silent = await createLocalSystem({ env: { CLDCTL_SECRETS_ENV: 'TOKEN', TOKEN } });
  try {
    await silent.startWorker();
    const stackId = uniqueStack('silent');
    await silent.client.result(await silent.client.start(talking(stackId, 2)));
    const shown = await command(['logs', stackId], { env: silent.env });
    expect(shown.stderr).toBe('');
    expect(spoken(shown.stdout.split('\n'))).toEqual([...numbers(2), 'last']);
    const elsewhere = { ...silent.env, CLDCTL_STORE: `file://${folder}/nothing` };
    const refused = await command(['logs', stackId], { env: elsewhere });
    expect(refused.stderr).toMatch(/^error: LogsUnavailable: .*CLDCTL_HTTP_URL/);
  } finally {
    await silent.close();
  }
});

test('200 MB of log pass: all of it is kept, the worker grows by less than 150 MB, the history has none', async () => {
  // A stand-in for a tool: OpenTofu itself needs more than a second for each megabyte of a provisioner's output.
  const loud = await scriptedImage(system.engine, ['LABEL seed=1']);
  const input = (lines: number) => ({
    stackId: uniqueStack('loud'),
    operation: 'preview' as const,
    module: { image: loud },
    engine: 'opentofu' as const,
    inputs: {
      script: [
        { lines, text: `${'x'.repeat(988)} spoken` },
        { print: 'spoken last' },
        { write: 'output.json', text: '{"success":true,"action":"preview","outputs":{}}' },
        { exit: 0 },
      ],
    },
  });
  await system.client.result(await system.client.start(input(10)));
  const before = memory(worker.pid, 'VmRSS');
  const started = await system.client.start(input(200_000));
  const { outcome } = await system.client.result(started);
  const grown = (memory(worker.pid, 'VmHWM') - before) / 1024 / 1024;
  expect(outcome).toBe('no-changes');
  expect(grown).toBeLessThan(150);
  let size = 0;
  let count = 0;
  let last = '';
  for await (const { lines } of system.client.logs(started))
    for (const { text } of lines) {
      size += text.length;
      count += 1;
      last = text;
    }
  expect({ count, last }).toEqual({ count: 200_001, last: 'spoken last' });
  expect(size).toBeGreaterThan(200_000_000);
  const connection = await Connection.connect({ address: system.address });
  try {
    const handle = new Client({ connection }).workflow.getHandle(started.workflowId, started.runId);
    const history = historyToJSON(await handle.fetchHistory());
    expect(history.length).toBeLessThan(100_000);
    expect(history).not.toContain('spoken 199');
  } finally {
    await connection.close();
  }
}, 300_000);

/** Bytes that a process holds, or the most that it ever held. */
function memory(pid: number, what: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [, kilobytes] = new RegExp(`${what}:\\s+(\\d+) kB`).exec(status) ?? [];
  return Number(kilobytes) * 1024;
}
