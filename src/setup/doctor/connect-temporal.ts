import { connect } from 'node:net';
import { Connection } from '@temporalio/client';
import type { Config } from '../../config.js';

/** A connection to the configured server, within 3 s; a refused one is known at once, where the client would go on trying. */
export async function connectTemporal({ temporal }: Config): Promise<Connection> {
  await listens(temporal.address);
  return Connection.connect({ ...temporal.connectionOptions, connectTimeout: 3_000 });
}

function listens(address: string): Promise<void> {
  const { hostname, port } = new URL(`tcp://${address}`);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port || 7233), timeout: 3_000 });
    socket.once('connect', resolve);
    socket.once('timeout', () => reject(new Error('no answer within 3 s')));
    socket.once('error', reject);
    for (const end of ['connect', 'timeout'] as const) socket.once(end, () => socket.destroy());
  });
}
