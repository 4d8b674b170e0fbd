/** The store of one command, for who holds its key on this machine. */
import type { Store } from '../src/store/open-store.js';
import type { CommandContext } from './command-context.js';

/** Runs `work` with the configured store. Throws `InvalidConfiguration` without its master key. */
export async function withStore<T>(
  context: CommandContext,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const store = await openConfiguredStore(context);
  try {
    return await work(store);
  } finally {
    store.close();
  }
}

/** Opens it; the caller closes it. Throws as `withStore`. */
export async function openConfiguredStore(context: CommandContext): Promise<Store> {
  const config = await context.config();
  const { openStore } = await import('../src/store/open-store.js');
  return openStore({ store: config.store, masterKeyFile: config.masterKeyFile });
}
