/** A way to a registry on which a test can hold uploads back. */
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HeldRegistry {
  /** `host:port`, the first part of image names. */
  readonly address: string;
  /** From now on uploads wait; resolves when an engine has asked for one. */
  hold(): Promise<void>;
  /** Lets through what was held, and what comes. */
  release(): void;
  close(): Promise<void>;
}

/** Starts it in front of a registry on this machine. */
export async function startHeldRegistry(registry: string): Promise<HeldRegistry> {
  const [host = '', port = ''] = registry.split(':');
  let reached = (): void => undefined;
  let open = (): void => undefined;
  let gate = Promise.resolve();
  // The name that the engine asked for stays: the registry's own links lead back here.
  const pass = (from: IncomingMessage, to: ServerResponse): void => {
    const { method, url: path, headers } = from;
    const onward = ask({ host, port, method, path, headers }, (answer) => {
      to.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(to);
    });
    onward.on('error', () => to.destroy());
    from.pipe(onward);
  };
  const server = createServer((from, to) => {
    if (from.method !== 'POST') return pass(from, to);
    reached();
    void gate.then(() => pass(from, to));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold() {
      gate = new Promise((resolve) => (open = resolve));
      return new Promise((resolve) => (reached = resolve));
    },
    release() {
      open();
      gate = Promise.resolve();
    },
    async close() {
      open();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
