/** `npm run bench`: preview, approve and apply through the worker beside two bare `docker run`, in turn. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { IacClient } from '../src/client/index.js';
import { loadConfig } from '../src/config.js';
import { connectEngine } from '../src/docker/engine.js';
import { asCodedError } from '../src/errors.js';
import { prepareLocalSystem } from '../src/setup/prepare-local-system.js';
import { dockerEnvironment, setupSettings } from '../src/setup/setup-settings.js';
import { startTemporalServer } from '../src/setup/temporal-server.js';
import { createBuilder } from '../src/standalone/builder.js';
import { openStore } from '../src/store/open-store.js';
import { runWorker } from '../src/worker.js';
import { bareRun } from './bare-run.js';
import { operationRun, type MeasuredOperation } from './operation-run.js';
import { statistics } from './statistics.js';

/** Rounds before the measured ones: caches of the engine, the SDK and the file system. */
const WARM_UP = 2;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '20' }, image: { type: 'string' } },
  });
  const rounds = Number(values.rounds);
  const settings = loadConfig(process.env);
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort(new Error('stopped')));
  const system = await prepareLocalSystem({
    need: ['engine', 'temporal', 'opentofu'],
    ...setupSettings(settings),
    signal: abort.signal,
    report: () => undefined,
  });
  const engine = await connectEngine({ environment: dockerEnvironment(settings) });
  const folder = await mkdtemp(join(tmpdir(), 'cldctl-bench-'));
  const server = await startTemporalServer({ binary: system.temporal, signal: abort.signal });
  const config = loadConfig({
    ...process.env,
    TEMPORAL_ADDRESS: server.address,
    CLDCTL_STORE: pathToFileURL(join(folder, 'store')).href,
    CLDCTL_LOG_LEVEL: 'error',
  });
  const store = await openStore({ store: config.store, allowCreate: true });
  const stop = new AbortController();
  let onReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (onReady = resolve));
  const working = runWorker({ config, engine, store, signal: stop.signal, onReady });
  try {
    await Promise.race([ready, working]);
    const image = values.image ?? (await buildImage(abort.signal));
    const client = await IacClient.connect({
      connectionOptions: config.temporal.connectionOptions,
    });
    const bare: number[] = [];
    const operations: MeasuredOperation[] = [];
    for (let round = -WARM_UP; round < rounds; round += 1) {
      abort.signal.throwIfAborted();
      const name = `bench-${randomBytes(4).toString('hex')}`;
      const bareTime = await bareRun(image, `cldctl-${name}`);
      const operation = await operationRun(client, image, name);
      if (round < 0) continue;
      bare.push(bareTime);
      operations.push(operation);
    }
    await client.close();
    await report(bare, operations, config.temporal.connectionOptions.address ?? '');
    // The last containers are removed when the server has the last answers.
    await new Promise((resolve) => setTimeout(resolve, 1500));
  } finally {
    stop.abort();
    await working;
    store.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function buildImage(signal: AbortSignal): Promise<string> {
  const moduleDir = fileURLToPath(new URL('../../bench/module', import.meta.url));
  const builder = await createBuilder();
  try {
    const { reference } = await builder.build({ moduleDir, signal });
    return reference;
  } finally {
    await builder.close();
  }
}

async function report(
  bare: readonly number[],
  operations: readonly MeasuredOperation[],
  address: string,
): Promise<void> {
  const ms = (value: number): string => value.toFixed(0).padStart(7);
  const line = (name: string, values: readonly number[]): string => {
    const { median, p95, min, max } = statistics(values);
    return `${name.padEnd(34)}${ms(median)}${ms(p95)}${ms(min)}${ms(max)}`;
  };
  const times = operations.map(({ time }) => time);
  const ratio = statistics(times).median / statistics(bare).median;
  const phases = [...new Set(operations.flatMap(({ phases }) => Object.keys(phases)))];
  const history = await historyOf(operations.at(-1), address);
  const rows = [
    `${operations.length} rounds, milliseconds`.padEnd(34) + ' median    p95    min    max',
    line('two docker run', bare),
    line('preview, approve, apply', times),
    ...phases.map((phase) =>
      line(
        `  ${phase}`,
        operations.map((each) => each.phases[phase] ?? 0),
      ),
    ),
    `ratio of the medians ${ratio.toFixed(2)}`,
    `history of one operation: ${history.events} events, ${history.bytes} bytes`,
    `memory of this process, worker included: ${(process.memoryUsage().rss / 1024 / 1024).toFixed(0)} MB`,
  ];
  process.stdout.write(`${rows.join('\n')}\n`);
}

async function historyOf(
  operation: MeasuredOperation | undefined,
  address: string,
): Promise<{ events: number; bytes: number }> {
  if (operation === undefined) return { events: 0, bytes: 0 };
  const connection = await Connection.connect({ address });
  try {
    const handle = new Client({ connection }).workflow.getHandle(
      operation.workflowId,
      operation.runId,
    );
    const { historyLength, historySize } = await handle.describe();
    return { events: historyLength, bytes: historySize ?? 0 };
  } finally {
    await connection.close();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${asCodedError(error).message}\n`);
  process.exitCode = 1;
}
