/** A PostgreSQL and an S3 server on the engine's bridge, for states: containers reach them, and nobody else. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig } from '../../src/config.js';
import type { Engine } from '../../src/docker/engine.js';
import { freePort } from '../../src/setup/free-port.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { uniqueName } from './test-engine.js';

const PASSWORD = 'pg-hunter2/word';
const S3_SECRET = 's3-hunter2-secret';

export type StateServer = 'postgres' | 's3';
export const STATE_SERVERS: readonly StateServer[] = ['postgres', 's3'];

export interface StateServers {
  /** State URLs with user and password. */
  readonly urls: Readonly<Record<StateServer, string>>;
  /** The same with a wrong password. */
  readonly wrongUrls: Readonly<Record<StateServer, string>>;
  /** What must be shown nowhere, in each form that the URLs hold. */
  readonly secrets: readonly string[];
  /** Folder of the S3 bucket that states are in. */
  readonly bucket: string;
  /** Ends the S3 server; what it has stays. */
  stopS3(): Promise<void>;
  /** Starts it again, on the same port. */
  startS3(): Promise<void>;
  close(): Promise<void>;
}

/** Starts both; built through the set-up's cache when they are not there yet. */
export async function startStateServers(
  engine: Engine,
  signal: AbortSignal,
): Promise<StateServers> {
  const parts = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['postgres-image', 'versitygw'],
    signal,
    report: () => undefined,
  });
  const database = await engine.docker.createContainer({
    Image: parts['postgres-image'].reference,
    name: uniqueName('postgres'),
    Env: [`POSTGRES_PASSWORD=${PASSWORD}`],
  });
  await database.start();
  const { bridge } = (await database.inspect()).NetworkSettings.Networks;
  const host = bridge?.IPAddress ?? '';
  const gateway = bridge?.Gateway ?? '';
  const folder = await mkdtemp(join(tmpdir(), 's3-'));
  const bucket = join(folder, 'states');
  await mkdir(bucket);
  const port = await freePort();
  let stopS3 = async (): Promise<void> => undefined;
  const startS3 = async (): Promise<void> => {
    const store = spawn(
      parts.versitygw,
      ['--port', `${gateway}:${port}`, '--access', 'user', '--secret', S3_SECRET, 'posix', folder],
      { stdio: 'ignore' },
    );
    const ended = once(store, 'exit');
    stopS3 = async () => {
      store.kill();
      await ended;
    };
    while (!(await answers(gateway, port))) {
      signal.throwIfAborted();
      if (store.exitCode !== null) throw new Error(`the S3 server ended with ${store.exitCode}`);
      await delay(50);
    }
  };
  await startS3();
  while (!(await answers(host, 5432))) {
    signal.throwIfAborted();
    await delay(50);
  }
  const urlsWith = (password: string, secret: string): Record<StateServer, string> => ({
    postgres: `postgres://postgres:${encodeURIComponent(password)}@${host}/postgres?sslmode=disable`,
    s3: `s3://user:${secret}@states/team?region=us-east-1&endpoint=http://${gateway}:${port}&path_style=true`,
  });
  return {
    urls: urlsWith(PASSWORD, S3_SECRET),
    wrongUrls: urlsWith('pg-wrong-word', 's3-wrong-secret'),
    secrets: [
      PASSWORD,
      encodeURIComponent(PASSWORD),
      S3_SECRET,
      'pg-wrong-word',
      's3-wrong-secret',
    ],
    bucket,
    stopS3: () => stopS3(),
    startS3,
    async close() {
      await stopS3();
      await database.remove({ force: true, v: true });
      await rm(folder, { recursive: true });
    },
  };
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
