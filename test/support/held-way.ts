/** A way to a server that a test can hold or cut: requests wait, or are refused, until it lets them through again. */
import {
  connect,
  createServer,
  type ListenOptions,
  type NetConnectOpts,
  type Socket,
} from 'node:net';
import { Transform } from 'node:stream';

export interface HeldWay {
  /** From now on nothing of a request reaches the server. */
  hold(): void;
  /** Resolves when a request with this text in it is held. */
  holds(text: string): Promise<void>;
  /** Holds from the next request with this text on; resolves when it came. */
  holdAt(text: string): Promise<void>;
  /** Ends all connections, and every new one at once. */
  cut(): void;
  /** Lets through what was held, and what comes. */
  release(): void;
  /** How many connections were refused so far. */
  refused(): number;
  close(): Promise<void>;
}

/** Starts it at `own`, in front of `server`. */
export async function startHeldWay(server: NetConnectOpts, own: ListenOptions): Promise<HeldWay> {
  const sockets = new Set<Socket>();
  let gate = Promise.resolve();
  let open = (): void => undefined;
  let isCut = false;
  let refused = 0;
  let isHeld = false;
  const watchers = new Set<(request: string) => void>();
  const watch = (wants: (request: string) => boolean): Promise<void> =>
    new Promise((resolve) => {
      const watcher = (request: string): void => {
        if (!wants(request)) return;
        watchers.delete(watcher);
        resolve();
      };
      watchers.add(watcher);
    });
  const hold = (): void => {
    if (!isHeld) gate = new Promise((resolve) => (open = resolve));
    isHeld = true;
  };
  // Half-open: the input of a container ends while its output goes on.
  const way = createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => undefined);
    if (isCut) {
      refused += 1;
      client.destroy();
      return;
    }
    const upstream = connect({ ...server, allowHalfOpen: true });
    upstream.on('error', () => client.destroy());
    const held = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        for (const watcher of watchers) watcher(chunk.toString('latin1'));
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
  await new Promise<void>((resolve) => way.listen(own, resolve));
  return {
    hold,
    holds: (text) => watch((request) => isHeld && request.includes(text)),
    holdAt: (text) =>
      watch((request) => {
        if (!request.includes(text)) return false;
        hold();
        return true;
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
      await new Promise((resolve) => way.close(resolve));
    },
  };
}
