/** A server for OpenTofu's `http` backend: states and locks by name, behind a user and a password. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { bridgeAddress } from './bridge-address.js';

/** What the tool says of a lock that it takes. */
export interface HttpLock {
  readonly ID: string;
  readonly Who?: string;
  readonly Created?: string;
  readonly Operation?: string;
}

export interface HttpStateServer {
  readonly password: string;
  /** Environment that names the state of that name, to a tool in a container with a network; without the password. */
  environment(name: string): Record<string, string>;
  state(name: string): string | undefined;
  lock(name: string): HttpLock | undefined;
  /** Somebody else takes the lock, or gives it back; a text is what the server then answers instead of the holder. */
  lockAs(name: string, lock: HttpLock | string | undefined): void;
  /** How often somebody was refused the lock. */
  refusals(name: string): number;
  /** Answers every request for that name so, until it is called with `undefined`; `close` cuts the connection. */
  answerWith(name: string, status: number | 'close' | undefined): void;
  close(): Promise<void>;
}

/** Starts one on the engine's bridge: containers reach it, and nobody else. */
export async function startHttpStateServer(): Promise<HttpStateServer> {
  const password = 'http-hunter2-word';
  const states = new Map<string, string>();
  const locks = new Map<string, HttpLock | string>();
  const refused = new Map<string, number>();
  const always = new Map<string, number | 'close' | undefined>();

  const held = (name: string): HttpLock | undefined => {
    const lock = locks.get(name);
    return typeof lock === 'string' ? { ID: '' } : lock;
  };
  const answer = (
    method: string,
    { pathname, searchParams }: URL,
    body: string,
  ): [status: number, body?: string] => {
    const name = pathname.slice(1);
    const lock = held(name);
    switch (method) {
      case 'GET': {
        const state = states.get(name);
        return state === undefined ? [404] : [200, state];
      }
      case 'POST':
        if ((lock?.ID ?? null) !== searchParams.get('ID')) return [409];
        states.set(name, body);
        return [200];
      case 'LOCK': {
        const holder = locks.get(name);
        if (holder !== undefined) {
          refused.set(name, (refused.get(name) ?? 0) + 1);
          return [423, typeof holder === 'string' ? holder : JSON.stringify(holder)];
        }
        locks.set(name, JSON.parse(body) as HttpLock);
        return [200];
      }
      case 'UNLOCK':
        if (lock?.ID !== (JSON.parse(body) as HttpLock).ID) return [409];
        locks.delete(name);
        return [200];
      default:
        return [405];
    }
  };
  const expected = `Basic ${Buffer.from(`user:${password}`).toString('base64')}`;
  const respond = async (request: IncomingMessage): Promise<[number, string?] | 'close'> => {
    const body = await text(request);
    const url = new URL(request.url ?? '/', 'http://state');
    const fixed = always.get(url.pathname.slice(1));
    if (fixed !== undefined) return fixed === 'close' ? fixed : [fixed];
    if (request.headers.authorization === undefined) return [401];
    if (request.headers.authorization !== expected) return [403];
    return answer(request.method ?? '', url, body);
  };
  const server = createServer((request, response) => {
    void respond(request).then((answered) => {
      if (answered === 'close') request.socket.destroy();
      else response.writeHead(answered[0]).end(answered[1]);
    });
  });
  const host = (await bridgeAddress()) ?? '127.0.0.1';
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    password,
    environment: (name) => ({
      TF_HTTP_ADDRESS: `http://${host}:${port}/${name}`,
      TF_HTTP_LOCK_ADDRESS: `http://${host}:${port}/${name}`,
      TF_HTTP_UNLOCK_ADDRESS: `http://${host}:${port}/${name}`,
      TF_HTTP_USERNAME: 'user',
      TF_HTTP_RETRY_MAX: '0',
    }),
    state: (name) => states.get(name),
    lock: held,
    lockAs: (name, lock) => void (lock === undefined ? locks.delete(name) : locks.set(name, lock)),
    refusals: (name) => refused.get(name) ?? 0,
    answerWith: (name, status) => void always.set(name, status),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
