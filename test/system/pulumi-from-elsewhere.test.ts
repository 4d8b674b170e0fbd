/** A stack that lived in plain Pulumi comes in by its exported state and its passphrase, secrets and all. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { command } from '../support/command.js';
import { createLocalSystem, uniqueStack, type LocalSystem } from '../support/local-system.js';
import { pulumiModuleImage } from '../support/pulumi-module.js';

const PASSPHRASE = 'a passphrase from elsewhere';
const TOKEN = 'token-from-elsewhere-4711';

const stackId = uniqueStack('pulumi-elsewhere');
const abort = new AbortController();
let system: LocalSystem;
let image: string;
let folder: string;

beforeAll(async () => {
  system = await createLocalSystem({
    env: { CLDCTL_SECRETS_ENV: 'SERVICE_TOKEN', SERVICE_TOKEN: TOKEN },
  });
  const bases = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['pulumi-yaml'],
    signal: abort.signal,
    report: () => undefined,
  });
  const project = readFileSync(join(packageRoot(), 'examples/pulumi-yaml/Pulumi.yaml'));
  image = await pulumiModuleImage(
    system.engine,
    bases['pulumi-yaml'],
    { 'Pulumi.yaml': project },
    abort.signal,
  );
  folder = await mkdtemp(join(tmpdir(), 'elsewhere-'));
  await system.startWorker();
}, 900_000);
afterAll(async () => {
  abort.abort();
  await system.close();
  await rm(folder, { recursive: true, force: true });
});

/** The bare CLI in a container: makes the stack, and prints its exported state. */
async function exportedByBarePulumi(): Promise<string> {
  const { docker } = system.engine;
  const stack = `--stack organization/service-settings/${stackId} --non-interactive`;
  const script = [
    'set -e; exec 3>&1 1>&2; cp -r /module /tmp/program; cd /tmp/program; mkdir /tmp/state',
    `pulumi stack init ${stack}`,
    `pulumi config set service shop ${stack}`,
    `pulumi config set --secret token ${TOKEN} ${stack}`,
    `pulumi up --yes --skip-preview ${stack}`,
    `pulumi stack export ${stack} >&3`,
  ].join('\n');
  const container = await docker.createContainer({
    Image: image,
    User: '0:0',
    Entrypoint: ['/bin/sh', '-c', script],
    Env: [
      'HOME=/tmp',
      'PULUMI_HOME=/tmp/home',
      'PULUMI_SKIP_UPDATE_CHECK=true',
      'PULUMI_BACKEND_URL=file:///tmp/state',
      `PULUMI_CONFIG_PASSPHRASE=${PASSPHRASE}`,
    ],
    HostConfig: { NetworkMode: 'none' },
  });
  try {
    await container.start();
    const { StatusCode: exitCode } = (await container.wait()) as { StatusCode: number };
    const log = await container.logs({ stdout: true, stderr: true, follow: true });
    const [output, errors] = [new PassThrough(), new PassThrough()];
    docker.modem.demuxStream(log, output, errors);
    log.on('end', () => (output.end(), errors.end()));
    const [text, trouble] = await Promise.all([output.toArray(), errors.toArray()]);
    expect(exitCode, trouble.join('')).toBe(0);
    return text.join('');
  } finally {
    await container.remove({ force: true, v: true });
  }
}

test('its state comes in, and its program has nothing to change; its outputs are here', async () => {
  const [state, passphrase] = [join(folder, 'state.json'), join(folder, 'passphrase')];
  await writeFile(state, await exportedByBarePulumi());
  await writeFile(passphrase, `${PASSPHRASE}\n`);
  const restored = await command(
    ['state', 'restore', stackId, '--file', state, '--passphrase-file', passphrase],
    { env: system.env },
  );
  expect(restored.stderr).toBe('');
  expect(restored.exitCode).toBe(0);
  const input = {
    stackId,
    operation: 'apply',
    module: { image },
    limits: { network: 'none' },
    approval: { mode: 'on-changes', expiresIn: '1h' },
  } as const;
  const token = { $secret: 'SERVICE_TOKEN' };
  const same = await system.client.start({ ...input, inputs: { service: 'shop', token } });
  expect((await system.client.result(same)).outcome).toBe('no-changes');
  const changed = await system.client.startAndWaitPlan({
    ...input,
    inputs: { service: 'store', token },
  });
  expect(changed.ready.summary).toMatchObject({ create: 0, update: 1 });
  await system.client.approve(changed, {
    planDigest: changed.ready.planDigest ?? '',
    by: 'ann',
  });
  expect(await system.client.result(changed)).toMatchObject({
    outcome: 'succeeded',
    outputs: { endpoint: { value: 'https://store.example.com' }, token: { sensitive: true } },
  });
});
