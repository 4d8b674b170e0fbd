/** The worker: one process that serves workflows, containers of one Docker engine, and its control queue. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { createActivities } from '../activities/index.js';
import type { Config } from './config.js';
import type { Engine } from './docker/engine.js';
import { CodedError } from './errors.js';
import { createLogger, installRuntime, type Logger } from './log.js';
import { startEndpoint, type Endpoint } from './http/endpoint.js';
import { loadWebhooks, type Webhook } from './notifications/webhooks.js';
import { tidyModuleFolders } from './operation/module-folders.js';
import { tidyEngine } from './operation/tidy-engine.js';
import { tidyImages } from './operation/tidy-images.js';
import { tidyStore } from './operation/tidy-store.js';
import { packageRoot } from './setup/package-root.js';
import type { SweepReport } from './stack/janitor.js';
import type { Store } from './store/open-store.js';
import { refuseForeignWorkers, workerIdentity } from './temporal/foreign-workers.js';
import { controlQueue, dockerQueue, TASK_QUEUE } from './temporal/names.js';
import { createAttributesCommand, SEARCH_ATTRIBUTES } from './temporal/search-attributes.js';

/** What a worker is made of; it closes none of it. */
export interface WorkerDependencies {
  readonly config: Config;
  readonly engine: Engine;
  readonly store: Store;
  /** Fires: the worker lets go of running containers, which go on, and ends. */
  readonly signal: AbortSignal;
  readonly logger?: Logger;
  /** Called when all queues are served. */
  readonly onReady?: () => void;
  /** Milliseconds to wait for the Temporal server at the start; default 15,000. */
  readonly connectWithin?: number;
  /** Workflow runs kept in memory; default: the SDK's, by heap size. */
  readonly maxCachedWorkflows?: number;
}

/** Milliseconds between two looks for left-overs. */
const TIDY_INTERVAL = 600_000;
/**
 * How long Temporal offers a task to the worker that knows the run before it asks any other. With the SDK's 10 s a
 * question after a worker's death took as long as clients wait, and was told as "no worker answers".
 */
const STICKY_TIMEOUT = '3s';

/**
 * Serves until `signal` fires. Throws `TemporalUnavailable` when no server answers in time, and `InvalidConfiguration` for
 * missing search attributes (naming the command that creates them), and beside a worker of another store.
 */
export async function runWorker(dependencies: WorkerDependencies): Promise<void> {
  const { config, engine, store, signal } = dependencies;
  const logger = dependencies.logger ?? createLogger(config.logLevel);
  installRuntime(logger, config.metricsAddress);
  const webhooks = await loadWebhooks(config.webhooksFile);
  const connection = await connect(config, signal, dependencies.connectWithin ?? 15_000);
  let endpoint: Endpoint | undefined;
  try {
    await checkSearchAttributes(connection, config.temporal.namespace);
    await refuseForeignWorkers(connection, config.temporal.namespace, store.installation, {
      signal,
      onWait: (identity) =>
        logger.warn({ identity }, 'a worker with another store was here: waiting until it is gone'),
    });
    let workers: readonly Worker[] = [];
    const isServing = (): boolean =>
      !signal.aborted &&
      workers.length > 0 &&
      workers.every((worker) => worker.getState() === 'RUNNING');
    if (config.httpAddress !== undefined)
      endpoint = await startEndpoint({ ...dependencies, logger, isServing }, config.httpAddress);
    workers = await createWorkers(connection, dependencies, webhooks, logger);
    const stop = (): void => {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    };
    const running = Promise.all(workers.map((worker) => worker.run().finally(stop)));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    logger.info(
      { engine: engine.id, slots: config.dockerSlots, queue: TASK_QUEUE },
      'worker ready',
    );
    if (endpoint !== undefined) logger.info({ address: endpoint.address }, 'endpoint ready');
    dependencies.onReady?.();
    const client = new Client({ connection, namespace: config.temporal.namespace });
    const tidying = keepTidy({ ...dependencies, client }, logger);
    await running
      .finally(() => clearInterval(tidying))
      .finally(() => signal.removeEventListener('abort', stop));
    logger.info('worker stopped');
  } finally {
    await endpoint?.close();
    await connection.close();
  }
}

/** Looks for left-overs now and then; trouble with it never touches the work. */
function keepTidy(
  dependencies: WorkerDependencies & { readonly client: Client },
  logger: Logger,
): NodeJS.Timeout {
  const tidyOld = (): void => {
    tidyStore(dependencies, dependencies.signal).then(
      (report) => report !== undefined && logger.info(reported(report), 'looked through the store'),
      (error: unknown) => {
        if (!dependencies.signal.aborted)
          logger.warn({ reason: String(error) }, 'the store was not looked through');
      },
    );
  };
  const tidy = (): void => {
    const { engine } = dependencies;
    for (const [what, removing] of [
      ['left-over containers', tidyEngine(dependencies)],
      ['images that no build needs', tidyImages(engine)],
    ] as const)
      removing.then(
        (removed) => removed > 0 && logger.info({ removed }, `removed ${what}`),
        (error: unknown) => logger.warn({ reason: String(error) }, `${what} stay`),
      );
  };
  const all = (): void => {
    tidy();
    tidyOld();
    tidyModuleFolders().then(
      (removed) => removed > 0 && logger.info({ removed }, 'removed folders of dead builds'),
      (error: unknown) => logger.warn({ reason: String(error) }, 'folders of dead builds stay'),
    );
  };
  all();
  return setInterval(all, TIDY_INTERVAL).unref();
}

function reported({ removed, bytes, skipped, damaged }: SweepReport): Record<string, unknown> {
  return { removed: removed.length, bytes, leftAlone: skipped.length, damaged };
}

async function createWorkers(
  connection: NativeConnection,
  dependencies: WorkerDependencies,
  webhooks: readonly Webhook[],
  logger: Logger,
): Promise<Worker[]> {
  const { config, engine, store } = dependencies;
  const { light, docker, control } = createActivities({ ...dependencies, webhooks, logger });
  const compiled = join(packageRoot(), 'dist');
  const common = {
    connection,
    identity: workerIdentity(store.installation),
    namespace: config.temporal.namespace,
    dataConverter: {
      payloadConverterPath: join(compiled, 'src', 'temporal', 'payload-converter.js'),
    },
    // A beat may pass every second: a cancel reaches its container within about that time.
    maxHeartbeatThrottleInterval: '1s',
    defaultHeartbeatThrottleInterval: '1s',
    // Zero grace: activities let go of their containers at once, the next worker adopts them.
    shutdownGraceTime: 0,
    shutdownForceTime: '10s',
  } satisfies Partial<WorkerOptions>;
  return Promise.all([
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUE,
      workflowBundle: { codePath: join(compiled, 'workflow-bundle.js') },
      activities: light,
      stickyQueueScheduleToStartTimeout: STICKY_TIMEOUT,
      ...(dependencies.maxCachedWorkflows === undefined
        ? {}
        : { maxCachedWorkflows: dependencies.maxCachedWorkflows }),
    }),
    Worker.create({
      ...common,
      taskQueue: dockerQueue(engine.id),
      activities: docker,
      maxConcurrentActivityTaskExecutions: config.dockerSlots,
    }),
    Worker.create({
      ...common,
      taskQueue: controlQueue(engine.id),
      activities: control,
      maxConcurrentActivityTaskExecutions: 20,
    }),
  ]);
}

async function connect(
  config: Config,
  signal: AbortSignal,
  within: number,
): Promise<NativeConnection> {
  const { address, connectionOptions } = config.temporal;
  const until = performance.now() + within;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await NativeConnection.connect(connectionOptions as never);
    } catch (cause) {
      if (performance.now() > until) {
        throw new CodedError(
          'TemporalUnavailable',
          `no Temporal server answers at ${address}; start one or set TEMPORAL_ADDRESS`,
          { cause },
        );
      }
      await delay(500, undefined, { signal });
    }
  }
}

async function checkSearchAttributes(
  connection: NativeConnection,
  namespace: string,
): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = SEARCH_ATTRIBUTES.filter(({ name }) => customAttributes[name] === undefined);
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name);
  throw new CodedError(
    'InvalidConfiguration',
    `namespace ${namespace} has no search attributes ${names.join(', ')}; start the worker with --create-attributes, or run: ${createAttributesCommand(names)}`,
  );
}
