/** The worker's HTTP endpoint: health for who runs it, plans and logs for who has a signed link; it changes nothing. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Engine } from '../docker/engine.js';
import { CodedError } from '../errors.js';
import type { Logger } from '../log.js';
import { loadPlan } from '../plan/plan-store.js';
import type { Store } from '../store/open-store.js';
import { sendJson } from './send-json.js';
import { sendLog } from './send-log.js';
import { sendPlan } from './send-plan.js';
import { isSigned, parsePath } from './signed-link.js';

export interface EndpointDependencies {
  readonly engine: Engine;
  readonly store: Store;
  readonly logger: Logger;
  /** True while the worker takes work. */
  readonly isServing: () => boolean;
}

export interface Endpoint {
  /** Where it listens, e.g. `127.0.0.1:9400`. */
  readonly address: string;
  close(): Promise<void>;
}

/** Milliseconds that a part may take to say that it is there. */
const ANSWER_WITHIN = 5_000;

/** Listens on `host:port`, or `port` of this machine alone. Throws `InvalidConfiguration` when that is taken. */
export async function startEndpoint(
  dependencies: EndpointDependencies,
  address: string,
): Promise<Endpoint> {
  const server = createServer((request, response) => {
    const work =
      request.method === 'GET' || request.method === 'HEAD'
        ? answer(dependencies, new URL(request.url ?? '/', 'http://worker'), response)
        : Promise.resolve(sendJson(response, 405, { error: 'only GET' }));
    work.catch((error: unknown) => {
      dependencies.logger.warn({ reason: String(error) }, 'a request was not answered');
      if (!response.headersSent) sendJson(response, 500, { error: 'see the log of the worker' });
      else response.destroy();
    });
  });
  const [, host, port] = /^(?:(.+):)?(\d+)$/.exec(address) ?? [];
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new CodedError(
          'InvalidConfiguration',
          `CLDCTL_HTTP_ADDRESS ${address} can't be listened on (${(cause as NodeJS.ErrnoException).code ?? cause.message})`,
          { cause },
        ),
      ),
    );
    server.listen(Number(port), host?.replace(/^\[|\]$/g, '') ?? '127.0.0.1', resolve);
  });
  const bound = server.address() as AddressInfo;
  return {
    address: `${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  dependencies: EndpointDependencies,
  url: URL,
  response: ServerResponse,
): Promise<void> {
  if (url.pathname === '/healthz') return sendJson(response, 200, { status: 'ok' });
  if (url.pathname === '/readyz') {
    const parts = await readiness(dependencies);
    const ready = Object.values(parts).every((state) => state === 'ok');
    return sendJson(response, ready ? 200 : 503, { status: ready ? 'ok' : 'not ready', ...parts });
  }
  const linked = parsePath(url.pathname);
  if (linked === undefined) return sendJson(response, 404, { error: 'there is nothing here' });
  const { store } = dependencies;
  if (!(await isSigned(store, linked, url.searchParams)))
    return sendJson(response, 403, { error: 'this link is not signed by us, or it has expired' });
  if ('runId' in linked) return sendLog(store, linked, url.searchParams, response);
  try {
    const saved = await loadPlan(store, linked.stackId, linked.planDigest, { allowExpired: true });
    return await sendPlan(saved, response);
  } catch (error) {
    if (error instanceof CodedError && error.code === 'PlanNotFound')
      return sendJson(response, 404, { error: 'this plan is not kept any more' });
    throw error;
  }
}

async function readiness({
  engine,
  store,
  isServing,
}: EndpointDependencies): Promise<Record<'worker' | 'engine' | 'store', string>> {
  const within = async (work: Promise<unknown>): Promise<string> => {
    const late = new Promise<string>((resolve) => {
      setTimeout(() => resolve('no answer'), ANSWER_WITHIN).unref();
    });
    return Promise.race([
      work.then(
        () => 'ok',
        () => 'not in reach',
      ),
      late,
    ]);
  };
  const [engineState, storeState] = await Promise.all([
    within(engine.docker.ping()),
    within(store.objects.get('readiness')),
  ]);
  return { worker: isServing() ? 'ok' : 'stopping', engine: engineState, store: storeState };
}
