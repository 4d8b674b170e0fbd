/** The client of one command: opened from the configuration, closed when the work is done. */
import { hostname, userInfo } from 'node:os';
import type { IacClient } from '../src/client/index.js';
import type { CommandContext } from './command-context.js';

/** Runs `work` with a connected client. Throws `TemporalUnavailable` when no server answers. */
export async function withClient<T>(
  context: CommandContext,
  work: (client: IacClient) => Promise<T>,
): Promise<T> {
  const config = await context.config();
  const { IacClient } = await import('../src/client/index.js');
  const client = await IacClient.connect({
    connectionOptions: config.temporal.connectionOptions,
    namespace: config.temporal.namespace,
    ...(config.uiUrl === undefined ? {} : { uiUrl: config.uiUrl }),
  });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** Who types, as `user@host`: what a request or a decision claims when no name is given. */
export function whoTypes(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A user id without an entry in the user database.
    return `${process.getuid?.() ?? 'someone'}@${hostname()}`;
  }
}
