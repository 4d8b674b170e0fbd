/** A whole system of a test's own: Temporal server, store, worker processes, client, and images of small modules. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { IacClient } from '../../src/client/index.js';
import { loadConfig } from '../../src/config.js';
import { packArchive } from '../../src/docker/archive.js';
import { buildImage } from '../../src/docker/build.js';
import { connectEngine, type Engine } from '../../src/docker/engine.js';
import { findImage } from '../../src/docker/find-image.js';
import { createLabels } from '../../src/docker/labels.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { readChunks } from '../../src/logs/log-store.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { dockerEnvironment, setupSettings } from '../../src/setup/setup-settings.js';
import { startTemporalServer, type TemporalServer } from '../../src/setup/temporal-server.js';
import { openStore, type Store, type StoreConfig } from '../../src/store/open-store.js';
import { ATTRIBUTE } from '../../src/temporal/search-attributes.js';
import { startCommand, type RunningCommand } from './command.js';

export interface SystemOptions {
  /** Further variables of the workers. */
  readonly env?: Readonly<Record<string, string>>;
  /** Engine of the workers; default: the one that tests share. */
  readonly engine?: { readonly host: string; readonly engine: Engine };
  /** Keep the server's database over `restartTemporal`. */
  readonly durable?: boolean;
  /** Milliseconds that a call of the client waits for a worker; default: the client's own. */
  readonly deadline?: number;
}

/** Made by `createLocalSystem`, ended by `close`. */
export interface LocalSystem {
  readonly engine: Engine;
  readonly client: IacClient;
  readonly env: Readonly<Record<string, string>>;
  readonly address: string;
  /** Base address of the server's UI. */
  readonly uiUrl: string;
  /** Starts a worker process, with further variables, and waits until it serves. */
  startWorker(env?: Readonly<Record<string, string>>): Promise<RunningCommand>;
  /** Kills the Temporal server and starts it again on the same port and database. */
  restartTemporal(): Promise<void>;
  /** The store, opened beside the workers. */
  openStore(): Promise<Store>;
  /** Text of the log of an operation, as far as it is in the store. */
  logOf(operation: { stackId: string; runId: string }): Promise<string>;
  /** Containers of a stack's mutating run: id and state. */
  containers(stackId: string): Promise<{ id: string; state: string }[]>;
  close(): Promise<void>;
}

/** Sets up server and store; the first worker makes the store's key. */
export async function createLocalSystem(options: SystemOptions = {}): Promise<LocalSystem> {
  const settings = loadConfig(process.env);
  const { temporal: binary } = await prepareLocalSystem({
    need: ['engine', 'temporal'],
    ...setupSettings(settings),
    signal: new AbortController().signal,
    report: () => undefined,
  });
  const engine =
    options.engine?.engine ?? (await connectEngine({ environment: dockerEnvironment(settings) }));
  const directory = await mkdtemp(join(tmpdir(), 'cldctl-system-'));
  const databaseFile =
    options.durable === true ? { databaseFile: join(directory, 'temporal.db') } : {};
  let server: TemporalServer = await startTemporalServer({ binary, ...databaseFile });
  const { address } = server;
  const env = {
    TEMPORAL_ADDRESS: address,
    CLDCTL_STORE: pathToFileURL(join(directory, 'store')).href,
    CLDCTL_LOG_LEVEL: 'error',
    ...(process.env['DOCKER_HOST'] === undefined
      ? {}
      : { DOCKER_HOST: process.env['DOCKER_HOST'] }),
    ...(options.engine === undefined ? {} : { DOCKER_HOST: options.engine.host }),
    ...options.env,
  };
  const { deadline } = options;
  const client = await IacClient.connect({
    connectionOptions: { address },
    ...(deadline === undefined ? {} : { deadline }),
  });
  const workers: RunningCommand[] = [];
  const containers = async (stackId: string): Promise<{ id: string; state: string }[]> => {
    const filters = { label: [`dev.cldctl.stack-id=${stackId}`, 'dev.cldctl.purpose=mutation'] };
    const found = await engine.docker.listContainers({ all: true, filters });
    return found.map(({ Id, State }) => ({ id: Id, state: State }));
  };
  return {
    engine,
    client,
    env,
    address,
    uiUrl: server.uiUrl,
    containers,
    async startWorker(more = {}) {
      const worker = startCommand(['worker', '--create-key'], { env: { ...env, ...more } });
      workers.push(worker);
      await worker.seen('worker ready');
      return worker;
    },
    async restartTemporal() {
      await server.stop();
      const port = Number(address.split(':')[1]);
      server = await startTemporalServer({ binary, port, ...databaseFile });
    },
    openStore: () => openStore(storeOf(env)),
    async logOf({ stackId, runId }) {
      const store = await openStore(storeOf(env));
      try {
        let text = '';
        for await (const { lines } of readChunks(store, { stackId, runId }))
          text += lines.map((line) => `${line.text}\n`).join('');
        return text;
      } finally {
        store.close();
      }
    },
    async close() {
      for (const worker of workers) worker.signal('SIGTERM');
      await Promise.all(workers.map(({ done }) => done));
      await client.close();
      const { RECORD_HISTORIES } = process.env;
      if (RECORD_HISTORIES !== undefined) await recordHistories(address, RECORD_HISTORIES);
      await removeObjects(engine, storeOf(env));
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function storeOf(env: Readonly<Record<string, string>>): StoreConfig {
  return { store: env['CLDCTL_STORE'] ?? '', masterKeyFile: env['CLDCTL_MASTER_KEY_FILE'] };
}

/** An id that no other test has. */
export function uniqueStack(purpose: string): string {
  return `test-${purpose}-${randomBytes(4).toString('hex')}`;
}

/** An image of an OpenTofu module with one file; made once per content. Its containers need no network. */
export async function tofuModule(engine: Engine, source: string): Promise<string> {
  const { opentofu: base } = await prepareLocalSystem({
    need: ['opentofu'],
    ...setupSettings(loadConfig(process.env)),
    signal: new AbortController().signal,
    report: () => undefined,
  });
  const digest = createHash('sha256').update(base).update(source).digest('hex').slice(0, 12);
  const tag = `cldctl-test/module:${digest}`;
  if ((await findImage(engine, tag)) !== undefined) return tag;
  const dockerfile = [
    `FROM ${base}`,
    'COPY main.tf /module/main.tf',
    'USER 0',
    'RUN ["/cldctl-entrypoint", "prepare"]',
    'USER 10001:10001',
  ];
  const context = await packArchive([
    { name: 'Dockerfile', bytes: dockerfile.join('\n'), mode: 0o644, uid: 0, gid: 0 },
    { name: 'main.tf', bytes: source, mode: 0o644, uid: 0, gid: 0 },
  ]);
  await buildImage(
    engine,
    {
      context,
      dockerfile: 'Dockerfile',
      tags: [tag],
      labels: createLabels({ engine: 'opentofu' }),
    },
    { signal: new AbortController().signal },
  );
  return tag;
}

/** Writes the history of every ended operation, for the replay tests; named by what happened in it. */
async function recordHistories(address: string, directory: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection });
    for await (const info of client.workflow.list()) {
      const { workflowId, runId, status, type } = info;
      if (status.name === 'RUNNING') continue;
      const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      const stack = workflowId.replace(/^\w+:(test-)?/, '').replace(/-[0-9a-f]{8}.*$/, '');
      const outcome =
        info.typedSearchAttributes.get(ATTRIBUTE.outcome) ?? status.name.toLowerCase();
      const name = `${type}-${stack}-${outcome}-${history.events?.length ?? 0}.json`;
      // Who ran it and where says nothing to a replay.
      const text = historyToJSON(history)
        .replaceAll(/"identity": ?"[^"]*"/g, '"identity": "worker"')
        .replaceAll(`${packageRoot()}/`, '');
      await writeFile(join(directory, name), text);
    }
  } finally {
    await connection.close();
  }
}

/** Containers and volumes of the installation whose store goes away. */
async function removeObjects(engine: Engine, config: StoreConfig): Promise<void> {
  const store = await openStore(config).catch(() => undefined);
  if (store === undefined) return;
  const filters = { label: [`dev.cldctl.installation=${store.installation}`] };
  store.close();
  for (const { Id } of await engine.docker.listContainers({ all: true, filters })) {
    await engine.docker
      .getContainer(Id)
      .remove({ force: true, v: true })
      .catch(() => undefined);
  }
  const { Volumes } = await engine.docker.listVolumes({ filters });
  for (const { Name } of Volumes)
    await engine.docker
      .getVolume(Name)
      .remove()
      .catch(() => undefined);
}
