import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below where systems take the ports of outgoing connections from (Linux: 32768): one of those took a port between its choice and its use. */
const RANGE = [20_000, 32_000] as const;

/** A TCP port of the loopback interface that nobody listens on now. Rejects with `EADDRINUSE` when 50 tries find none. */
export async function freePort(): Promise<number> {
  for (let tries = 50; ; tries -= 1) {
    const port = randomInt(...RANGE);
    try {
      await tryPort(port);
      return port;
    } catch (error) {
      if (tries === 1) throw error;
    }
  }
}

function tryPort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });
}
