/** A way to an engine that a test can hold or cut: requests wait, or are refused, until it lets them through again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import type { Engine } from '../../src/docker/engine.js';

export interface HeldEngine {
  /** For `DOCKER_HOST`. */
  readonly host: string;
  /** From now on nothing of a request reaches the engine. */
  hold(): void;
  /** Resolves when a request with this text in it is held. */
  holds(text: string): Promise<void>;
  /** Ends all connections, and every new one at once. */
  cut(): void;
  /** Lets through what was held, and what comes. */
  release(): void;
  /** How many connections were refused so far. */
  refused(): number;
  close(): Promise<void>;
}

/** Starts it in front of an engine with a unix socket. */
export async function startHeldEngine({ host }: Pick<Engine, 'host'>): Promise<HeldEngine> {
  const path = host.replace(/^unix:\/\//, '');
  const folder = await mkdtemp(join(tmpdir(), 'held-engine-'));
  const own = join(folder, 'docker.sock');
  const sockets = new Set<Socket>();
  let gate = Promise.resolve();
  let open = (): void => undefined;
  let isCut = false;
  let refused = 0;
  let isHeld = false;
  const watchers = new Set<(request: string) => void>();
  // Half-open: the input of a container ends while its output goes on.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => undefined);
    if (isCut) {
      refused += 1;
      client.destroy();
      return;
    }
    const upstream = connect({ path, allowHalfOpen: true });
    upstream.on('error', () => client.destroy());
    const held = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        if (isHeld) for (const watcher of watchers) watcher(chunk.toString('latin1'));
        void gate.then(() => done(null, chunk));
      },
    });
    client.pipe(held).pipe(upstream);
    upstream.pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(own, resolve));
  return {
    host: `unix://${own}`,
    hold() {
      gate = new Promise((resolve) => (open = resolve));
      isHeld = true;
    },
    holds: (text) =>
      new Promise((resolve) => {
        const watcher = (request: string): void => {
          if (!request.includes(text)) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
      }),
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    release() {
      isCut = false;
      isHeld = false;
      open();
      gate = Promise.resolve();
    },
    refused: () => refused,
    async close() {
      open();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
