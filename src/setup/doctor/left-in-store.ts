import { Client } from '@temporalio/client';
import type { Config } from '../../config.js';
import { sweepOptions } from '../../operation/tidy-store.js';
import { sweepStore } from '../../stack/janitor.js';
import type { Store } from '../../store/open-store.js';
import { connectTemporal } from './connect-temporal.js';
import type { Finding } from './finding.js';

/** What the next sweep of the store removes, and objects that can't be read. Throws `StoreUnavailable`. */
export async function* checkStoreObjects(
  config: Config,
  store: Store,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  const connection = await connectTemporal(config).catch(() => undefined);
  // Without the server nobody knows which stacks are open, and what their operations need.
  if (connection === undefined) return;
  try {
    const client = new Client({ connection, namespace: config.temporal.namespace });
    const report = await sweepStore(store, {
      ...sweepOptions({ config, client }),
      dryRun: true,
      signal,
    });
    if (report.removed.length > 0)
      yield {
        subject: 'left in store',
        status: 'left-over',
        found: `${countKinds(report.removed)} past their times, ${Math.ceil(report.bytes / 1e6)} MB`,
        remedy: 'a worker removes them at its next sweep, within six hours',
      };
    for (const key of report.damaged)
      yield {
        subject: 'damaged object',
        status: 'missing',
        found: `${key} of the store can't be read`,
        remedy:
          'restore it from a back-up; until then no artefact is removed, because it may name any',
      };
  } finally {
    await connection.close();
  }
}

/** Counts keys by their first part, e.g. `4 plans, 10 logs`. */
function countKinds(keys: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const key of keys) {
    const kind = key.slice(0, key.indexOf('/'));
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
}
