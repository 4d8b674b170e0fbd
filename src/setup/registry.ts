import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CodedError } from '../errors.js';
import { startInBackground } from './background-process.js';
import { freePort } from './free-port.js';
import type { RegistryProgram } from './registry-program.js';

/** How to start a local registry. */
export interface RegistryOptions {
  program: RegistryProgram;
  /** Default: a free one. */
  port?: number;
  /** Where images are kept; default: a temporary directory that `stop` removes. */
  directory?: string;
  /** One line of an htpasswd file (bcrypt). Use cost 5: the registry checks the password on each request. Default: open to all. */
  htpasswd?: string;
  signal?: AbortSignal;
}

/** A running registry on the loopback interface; Docker engines accept such without TLS. */
export interface LocalRegistry {
  /** `127.0.0.1:port`, to be used as the first part of image names. */
  address: string;
  stop(): Promise<void>;
}

const startLimitMilliseconds = 15_000;

/** Starts a registry and waits until its API answers. Throws `CodedError` `RegistryUnavailable` with its last words when it doesn't. */
export async function startRegistry(options: RegistryOptions): Promise<LocalRegistry> {
  const port = options.port ?? (await freePort());
  const address = `127.0.0.1:${port}`;
  if ('image' in options.program) {
    const stop = await options.program.start(port, options.htpasswd);
    return settle(address, stop, new Promise(() => undefined), options.signal);
  }
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'cldctl-registry-')));
  const settings = await mkdtemp(join(tmpdir(), 'cldctl-registry-settings-'));
  await mkdir(directory, { recursive: true });
  await writeFile(join(settings, 'htpasswd'), options.htpasswd ?? '', { mode: 0o600 });
  await writeFile(
    join(settings, 'config.yml'),
    registrySettings(options, address, directory, settings),
  );
  const server = startInBackground(options.program.executable, [
    'serve',
    join(settings, 'config.yml'),
  ]);
  const stop = async (): Promise<void> => {
    await server.stop();
    await rm(settings, { recursive: true, force: true });
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
  };
  return settle(address, stop, server.exited, options.signal);
}

function registrySettings(
  options: RegistryOptions,
  address: string,
  directory: string,
  settings: string,
): string {
  // JSON is YAML.
  return JSON.stringify({
    version: 0.1,
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: directory }, delete: { enabled: true } },
    http: { addr: address },
    ...(options.htpasswd === undefined
      ? {}
      : { auth: { htpasswd: { realm: 'local', path: join(settings, 'htpasswd') } } }),
  });
}

async function settle(
  address: string,
  stop: () => Promise<void>,
  exited: Promise<string>,
  signal: AbortSignal | undefined,
): Promise<LocalRegistry> {
  const until = performance.now() + startLimitMilliseconds;
  let ended: string | undefined;
  void exited.then((how) => (ended = how));
  try {
    for (;;) {
      signal?.throwIfAborted();
      if (ended !== undefined)
        throw new CodedError('RegistryUnavailable', `the local registry ended: ${ended}`);
      if (await answers(address)) return { address, stop };
      if (performance.now() > until)
        throw new CodedError(
          'RegistryUnavailable',
          `the local registry does not answer at ${address}`,
        );
      await delay(50);
    }
  } catch (error) {
    await stop();
    throw error;
  }
}

async function answers(address: string): Promise<boolean> {
  try {
    const answer = await fetch(`http://${address}/v2/`);
    await answer.body?.cancel();
    return answer.status === 200 || answer.status === 401;
  } catch {
    return false;
  }
}
