import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { startTemporalServer, type TemporalServer } from '../../src/setup/temporal-server.js';
import { command, startCommand } from '../support/command.js';

let directory: string;
let temporal: string;
let bare: TemporalServer;
let env: Record<string, string>;

beforeAll(async () => {
  ({ temporal } = await prepareLocalSystem({
    need: ['engine', 'temporal'],
    ...setupSettings(loadConfig(process.env)),
    signal: new AbortController().signal,
    report: () => undefined,
  }));
  directory = await mkdtemp(join(tmpdir(), 'cldctl-start-'));
  bare = await startTemporalServer({ binary: temporal });
  env = {
    CLDCTL_STORE: pathToFileURL(join(directory, 'store')).href,
    TEMPORAL_ADDRESS: bare.address,
  };
});
afterAll(async () => {
  await bare.stop();
  await rm(directory, { recursive: true, force: true });
});

test('a namespace without the search attributes is told, with the command that creates them', async () => {
  const connection = await Connection.connect({ address: bare.address });
  await connection.workflowService.registerNamespace({
    namespace: 'bare',
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  await connection.close();
  const { exitCode, stderr } = await command(['worker', '--create-key'], {
    env: { ...env, TEMPORAL_NAMESPACE: 'bare' },
  });
  expect(exitCode).toBe(2);
  expect(stderr).toContain('InvalidConfiguration');
  expect(stderr).toContain(
    'temporal operator search-attribute create --name IacStack --type Keyword',
  );
});

test('a server that nobody started is told with its address, and the exit code says environment', async () => {
  const away = { ...env, TEMPORAL_ADDRESS: '127.0.0.1:1' };
  const { exitCode, stderr } = await command(['worker', '--create-key'], { env: away });
  expect(exitCode).toBe(6);
  expect(stderr).toContain('no Temporal server answers at 127.0.0.1:1');
});

test('an engine that is not there is told before Temporal is asked', async () => {
  const away = { ...env, DOCKER_HOST: 'unix:///no/such/docker.sock' };
  const { exitCode, stderr } = await command(['worker', '--create-key'], { env: away });
  expect(exitCode).toBe(6);
  expect(stderr).toContain('DockerUnavailable');
});

/** A server of its own, and the environments of workers with one store and with another. */
async function withTwoStores(
  run: (one: Record<string, string>, other: Record<string, string>) => Promise<void>,
): Promise<void> {
  const served = await startTemporalServer({ binary: temporal });
  const folder = await mkdtemp(join(directory, 'stores-'));
  const withStore = (name: string): Record<string, string> => ({
    TEMPORAL_ADDRESS: served.address,
    CLDCTL_STORE: pathToFileURL(join(folder, name)).href,
  });
  await run(withStore('one'), withStore('other')).finally(() => served.stop());
}

describe.concurrent('beside a worker with another store', () => {
  const create = ['worker', '--create-key', '--create-attributes'];

  test('a worker does not start; with the same store it does', () =>
    withTwoStores(async (one, other) => {
      const first = startCommand(create, { env: one });
      await first.seen('worker ready');
      const { exitCode, stderr } = await command(create, { env: other });
      expect(exitCode).toBe(2);
      expect(stderr).toContain('is served by a worker with another store');
      const second = startCommand(['worker'], { env: one });
      await second.seen('worker ready');
      for (const worker of [first, second]) worker.signal('SIGTERM');
      await Promise.all([first.done, second.done]);
    }));

  test('a worker waits until that one is surely gone', () =>
    withTwoStores(async (one, other) => {
      const first = startCommand(create, { env: one });
      await first.seen('worker ready');
      first.signal('SIGTERM');
      await first.done;
      const second = startCommand(create, { env: other });
      await second.seen('waiting until it is gone');
      await second.seen('worker ready');
      second.signal('SIGTERM');
      await second.done;
    }));
});

test('an idle worker ends at once when it is told to', async () => {
  const worker = startCommand(['worker', '--create-key', '--create-attributes'], { env });
  await worker.seen('worker ready');
  const from = performance.now();
  worker.signal('SIGTERM');
  expect((await worker.done).exitCode).toBe(0);
  expect(performance.now() - from).toBeLessThan(5000);
});
