/** A real S3 server (Versity gateway over a folder) for one test file. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/config.js';
import { startInBackground } from '../../src/setup/background-process.js';
import { freePort } from '../../src/setup/free-port.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';

/** Access to the server; valid nowhere else. */
export const S3_CREDENTIALS = { accessKeyId: 'test-access', secretAccessKey: 'test-secret' };

/** A running server with one bucket `test`. */
export interface S3Server {
  readonly port: number;
  /** Store URL of a prefix in the bucket; `at` is another port of this machine that leads there. */
  storeUrl(prefix: string, bucket?: string, at?: number): string;
  /** Path of an object as the server keeps it. */
  fileOf(key: string): string;
  stop(): Promise<void>;
  /** Starts again on the same port over the same objects. */
  start(): Promise<void>;
  remove(): Promise<void>;
}

/** Starts the server; built through the set-up's cache when it is not there yet. */
export async function startS3Server(signal: AbortSignal): Promise<S3Server> {
  const { versitygw: executable } = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['versitygw'],
    signal,
    report: () => undefined,
  });
  const folder = await mkdtemp(join(tmpdir(), 'cldctl-s3-'));
  await mkdir(join(folder, 'test'));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  let server: ReturnType<typeof startInBackground> | undefined;
  const start = async (): Promise<void> => {
    const started = startInBackground(
      executable,
      ['--port', `127.0.0.1:${port}`, 'posix', folder],
      {
        PATH: process.env['PATH'],
        ROOT_ACCESS_KEY: S3_CREDENTIALS.accessKeyId,
        ROOT_SECRET_KEY: S3_CREDENTIALS.secretAccessKey,
      },
    );
    server = started;
    let ended: string | undefined;
    void started.exited.then((how) => (ended = how));
    const answers = (): Promise<boolean> =>
      fetch(endpoint).then(
        () => true,
        () => false,
      );
    while (!(await answers())) {
      if (ended !== undefined) throw new Error(`the S3 server ended: ${ended}`);
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const stop = async (): Promise<void> => server?.stop();
  await start();
  return {
    port,
    storeUrl: (prefix, bucket = 'test', at = port) =>
      `s3://${bucket}/${prefix}?region=us-east-1&forcePathStyle=true&endpoint=${encodeURIComponent(`http://127.0.0.1:${at}`)}`,
    fileOf: (key) => join(folder, 'test', key),
    start,
    stop,
    remove: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
