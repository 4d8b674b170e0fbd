/** Everything that the demo runs on: started in order, stopped in the opposite one, nothing of it left behind. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Config } from '../../src/config.js';
import { IacClient } from '../../src/client/index.js';
import { connectEngine, type Engine } from '../../src/docker/engine.js';
import { createLogger } from '../../src/log.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { startRegistry } from '../../src/setup/registry.js';
import { dockerEnvironment, setupSettings } from '../../src/setup/setup-settings.js';
import { startTemporalServer } from '../../src/setup/temporal-server.js';
import type { PostgresImage } from '../../src/setup/postgres-image.js';
import { openStore, type Store } from '../../src/store/open-store.js';
import { runWorker } from '../../src/worker.js';
import type { CommandContext } from '../command-context.js';
import { reportSteps } from '../report-steps.js';

/** A running local system. */
export interface DemoSystem {
  readonly client: IacClient;
  readonly engine: Engine;
  readonly store: Store;
  readonly config: Config;
  readonly postgres: PostgresImage;
  /** Stops everything that was started; safe to call once. */
  stop(): Promise<void>;
}

/** Prepares and starts Temporal (unless `TEMPORAL_ADDRESS` names one), a registry, a store and a worker. */
export async function startDemoSystem(context: CommandContext): Promise<DemoSystem> {
  const { terminal, signal, env } = context;
  const given = await context.config();
  const step = async <T>(label: string, work: () => Promise<T>): Promise<T> => {
    terminal.progress.start(label, label);
    try {
      const made = await work();
      terminal.progress.end(label, 'done');
      return made;
    } catch (error) {
      terminal.progress.end(label, 'failed');
      throw error;
    }
  };
  const parts = await prepareLocalSystem({
    need: ['engine', 'temporal', 'opentofu', 'registry', 'postgres-image', 'provider-docker'],
    ...setupSettings(given),
    signal,
    report: reportSteps(terminal, { tellFound: true }),
  });
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  try {
    const directory = await mkdtemp(join(tmpdir(), 'cldctl-demo-'));
    stops.push(() => rm(directory, { recursive: true, force: true }));
    const temporal = env['TEMPORAL_ADDRESS']
      ? undefined
      : await step('start Temporal', () =>
          startTemporalServer({
            binary: parts.temporal,
            databaseFile: join(directory, 'temporal.db'),
            signal,
          }),
        );
    if (temporal !== undefined) stops.push(() => temporal.stop());
    const registry = await step('start a registry', () =>
      // Kept with the other caches: layers that an earlier demo pushed are there already.
      startRegistry({
        program: parts.registry,
        directory: join(given.cacheDir, 'demo-registry'),
        signal,
      }),
    );
    stops.push(() => registry.stop());
    const engine = await connectEngine({ environment: dockerEnvironment(given) });
    const mirror = parts['provider-docker'].directory;
    const config: Config = {
      ...given,
      store: pathToFileURL(join(directory, 'store')).href,
      masterKeyFile: join(directory, 'master-key'),
      modulesRoot: join(packageRoot(), 'examples'),
      registry: `${registry.address}/modules`,
      dockerSocketGrant: given.dockerSocketGrant ?? socketOf(engine),
      ...(mirror === undefined ? {} : { providerMirror: mirror }),
      ...(temporal === undefined
        ? {}
        : {
            uiUrl: temporal.uiUrl,
            temporal: {
              connectionOptions: { address: temporal.address },
              address: temporal.address,
              namespace: 'default',
            },
          }),
    };
    const store = await openStore({
      store: config.store,
      masterKeyFile: config.masterKeyFile,
      allowCreate: true,
    });
    stops.push(() => Promise.resolve(store.close()));
    await step('start a worker', async () => {
      stops.push(await startWorker(config, engine, store));
    });
    const client = await IacClient.connect({
      connectionOptions: config.temporal.connectionOptions,
      namespace: config.temporal.namespace,
      ...(config.uiUrl === undefined ? {} : { uiUrl: config.uiUrl }),
    });
    stops.push(() => client.close());
    return { client, engine, store, config, postgres: parts['postgres-image'], stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts a worker in this process; resolves when it serves its queues, with the function that stops it. */
async function startWorker(
  config: Config,
  engine: Engine,
  store: Store,
): Promise<() => Promise<void>> {
  const end = new AbortController();
  let running: Promise<void> = Promise.resolve();
  await new Promise<void>((resolve, reject) => {
    running = runWorker({
      config,
      engine,
      store,
      signal: end.signal,
      logger: createLogger(config.logLevel === 'debug' ? 'debug' : 'error'),
      onReady: resolve,
    });
    running.catch(reject);
  });
  return async () => {
    end.abort();
    await running;
  };
}

function socketOf(engine: Engine): string {
  return engine.host.startsWith('unix://')
    ? engine.host.slice('unix://'.length)
    : '/var/run/docker.sock';
}
