import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { CodedError } from '../errors.js';
import { SEARCH_ATTRIBUTES } from '../temporal/search-attributes.js';
import { startInBackground } from './background-process.js';
import { freePort } from './free-port.js';

/** How to start an embedded Temporal server. */
export interface TemporalServerOptions {
  /** Path of the `temporal` command. */
  binary: string;
  /** Port of the service; default: a free one. */
  port?: number;
  /** Port of the web UI; default: a free one. */
  uiPort?: number;
  /** SQLite file that keeps everything over a restart; default: memory only. */
  databaseFile?: string;
  signal?: AbortSignal;
}

/** A running embedded Temporal server on the loopback interface. */
export interface TemporalServer {
  /** `host:port` of the service. */
  address: string;
  uiUrl: string;
  stop(): Promise<void>;
}

const startLimitMilliseconds = 30_000;

/**
 * Starts Temporal's development server with the search attributes that operations set, and waits until its `default` namespace answers.
 * Throws `CodedError` `TemporalUnavailable` with the server's last words when it ends or isn't serving after half a minute.
 */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const port = options.port ?? (await freePort());
  const uiPort = options.uiPort ?? (await freePort());
  const address = `127.0.0.1:${port}`;
  const server = startInBackground(options.binary, [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--ui-ip', '127.0.0.1'],
    ...['--port', String(port), '--ui-port', String(uiPort)],
    ...['--log-level', 'warn', '--log-format', 'json'],
    ...(options.databaseFile === undefined ? [] : ['--db-filename', options.databaseFile]),
    ...SEARCH_ATTRIBUTES.flatMap(({ name, type }) => ['--search-attribute', `${name}=${type}`]),
  ]);
  try {
    await untilServing(address, server.exited, options.signal);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { address, uiUrl: `http://127.0.0.1:${uiPort}`, stop: () => server.stop() };
}

async function untilServing(
  address: string,
  exited: Promise<string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const until = performance.now() + startLimitMilliseconds;
  let ended: string | undefined;
  void exited.then((how) => (ended = how));
  for (;;) {
    signal?.throwIfAborted();
    if (ended !== undefined)
      throw new CodedError('TemporalUnavailable', `the embedded Temporal server ended: ${ended}`);
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1_000 });
      try {
        await connection.workflowService.describeNamespace({ namespace: 'default' });
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (performance.now() > until)
        throw new CodedError(
          'TemporalUnavailable',
          `the embedded Temporal server does not answer at ${address}`,
          { cause: error },
        );
      await delay(50);
    }
  }
}
