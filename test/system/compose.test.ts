/** The complete local system of docker-compose.yml: one command, and everything is kept over a restart and an upgrade. */
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { IacClient } from '../../src/client/index.js';
import { loadConfig } from '../../src/config.js';
import { packArchive } from '../../src/docker/archive.js';
import { buildImage } from '../../src/docker/build.js';
import type { Engine } from '../../src/docker/engine.js';
import { removeInstallation } from '../../src/docker/remove-installation.js';
import { freePort } from '../../src/setup/free-port.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { runCommand } from '../../src/setup/run-command.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { tofuModule, uniqueStack } from '../support/local-system.js';
import { testEngine } from '../support/test-engine.js';

const MODULE = `
variable "name" { type = string }
resource "terraform_data" "name" { input = var.name }
output "name" { value = terraform_data.name.output }
`;
const SOCKET = '/var/run/docker.sock';

const abort = new AbortController();
const project = uniqueStack('compose');
let engine: Engine;
let compose: string;
let variables: Record<string, string>;
let client: IacClient;
/** Of the workers of this test: what no worker removes any more is removed here. */
const installations = new Set<string>();

/** Runs Compose on the file as it is; its answer is what it prints on stdout. */
function run(...args: string[]): Promise<string> {
  return runCommand(compose, ['-p', project, '--ansi', 'never', ...args], {
    cwd: packageRoot(),
    signal: abort.signal,
    onLine: () => undefined,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...variables },
  });
}

/** What a first start needs where no registry is in reach: the same programs under other names. */
beforeAll(async () => {
  engine = await testEngine();
  const parts = await prepareLocalSystem({
    need: [
      ...(['compose', 'temporal-image', 'temporal-ui-image'] as const),
      ...(['registry-image', 'postgres-image', 'pulumi-nodejs'] as const),
    ],
    ...setupSettings(loadConfig(process.env)),
    signal: abort.signal,
    report: () => undefined,
  });
  compose = parts.compose;
  const [temporal, ui, registry, worker] = await Promise.all(
    Array.from({ length: 4 }, () => freePort()),
  );
  variables = {
    POSTGRES_IMAGE: parts['postgres-image'].reference,
    TEMPORAL_IMAGE: parts['temporal-image'],
    TEMPORAL_UI_IMAGE: parts['temporal-ui-image'],
    REGISTRY_IMAGE: parts['registry-image'],
    NODE_IMAGE: await nodeImage(parts['pulumi-nodejs']),
    WORKER_IMAGE: 'cldctl-test/worker:1',
    TEMPORAL_PORT: String(temporal),
    TEMPORAL_UI_PORT: String(ui),
    REGISTRY_PORT: String(registry),
    WORKER_PORT: String(worker),
    DOCKER_GID: String(statSync(SOCKET).gid),
    // Compose builds without the plugin buildx then.
    DOCKER_BUILDKIT: '0',
  };
  await run('up', '-d', '--build', '--wait', '--wait-timeout', '300');
  client = await connect();
}, 2_400_000);
afterAll(async () => {
  await client?.close();
  await run('down', '--volumes', '--timeout', '5');
  for (const installation of installations) await removeInstallation(engine, installation);
  abort.abort();
}, 120_000);

/** Node and npm from our own base image, which trusts what this machine trusts. */
async function nodeImage(base: string): Promise<string> {
  const certificates = process.env['NODE_EXTRA_CA_CERTS'];
  const tag = 'cldctl-test/node:1';
  const file = { mode: 0o644, uid: 0, gid: 0 };
  const lines = [
    `FROM ${base}`,
    'ENTRYPOINT []',
    ...(certificates ? ['COPY ca.pem /ca.pem', 'ENV NODE_EXTRA_CA_CERTS=/ca.pem'] : []),
  ];
  const context = await packArchive([
    { name: 'Dockerfile', bytes: lines.join('\n'), ...file },
    ...(certificates ? [{ name: 'ca.pem', bytes: await readFile(certificates), ...file }] : []),
  ]);
  const build = { context, dockerfile: 'Dockerfile', tags: [tag] };
  await buildImage(engine, build, { signal: abort.signal });
  return tag;
}

function connect(): Promise<IacClient> {
  return IacClient.connect({
    connectionOptions: { address: `127.0.0.1:${variables['TEMPORAL_PORT'] ?? ''}` },
    deadline: 30_000,
  });
}

async function waiting(stackId: string): Promise<string> {
  const started = await client.startAndWaitPlan({
    stackId,
    operation: 'apply',
    module: { image: await tofuModule(engine, MODULE) },
    inputs: { name: stackId },
    limits: { network: 'none' },
  });
  expect(started.ready.phase).toBe('awaiting-approval');
  const filters = { label: [`dev.cldctl.stack-id=${stackId}`] };
  for (const { Labels } of await engine.docker.listContainers({ all: true, filters }))
    installations.add(Labels['dev.cldctl.installation'] ?? '');
  return started.ready.planDigest ?? '';
}

test('a stack is applied; pages and endpoint answer; no secret is inline', async () => {
  const stackId = uniqueStack('composed');
  const planDigest = await waiting(stackId);
  const { logs = '' } = await client.state(stackId);
  expect((await fetch(logs)).status).toBe(200);
  await client.approve(stackId, { planDigest, by: 'ann' });
  expect(await client.result(stackId)).toMatchObject({ outcome: 'succeeded' });
  const ui = `http://127.0.0.1:${variables['TEMPORAL_UI_PORT'] ?? ''}`;
  expect((await fetch(`${ui}/api/v1/namespaces/default/workflows/stack:${stackId}`)).status).toBe(
    200,
  );
  const password = await run('exec', '-T', 'temporal', 'cat', '/secrets/database-password');
  expect(password.trim()).toMatch(/^[0-9a-f]{48}$/);
  const text = await readFile(join(packageRoot(), 'docker-compose.yml'), 'utf8');
  expect(text).not.toContain(password.trim());
  expect(await run('config')).not.toContain(password.trim());
  for (const { Id } of await engine.docker.listContainers({
    filters: { label: [`com.docker.compose.project=${project}`] },
  }))
    expect(JSON.stringify(await engine.docker.getContainer(Id).inspect())).not.toContain(
      password.trim(),
    );
}, 120_000);

test('a plan that waits is approved after everything was stopped, and upgraded', async () => {
  const stackId = uniqueStack('kept');
  const planDigest = await waiting(stackId);
  await client.close();
  await run('down', '--timeout', '20');
  const { docker } = engine;
  await docker.getImage('cldctl-test/worker:1').tag({ repo: 'cldctl-test/worker', tag: '2' });
  variables = { ...variables, WORKER_IMAGE: 'cldctl-test/worker:2' };
  await run('up', '-d', '--wait', '--wait-timeout', '300');
  client = await connect();
  expect(await client.state(stackId)).toMatchObject({ phase: 'awaiting-approval', planDigest });
  await client.approve(stackId, { planDigest, by: 'ann' });
  expect(await client.result(stackId)).toMatchObject({
    outcome: 'succeeded',
    outputs: { name: { value: stackId } },
  });
  expect((await client.stack(stackId)).operations).toHaveLength(1);
}, 400_000);
