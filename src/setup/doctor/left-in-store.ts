import { Client } from '@temporalio/client';
import type { Config } from '../../config.js';
import { isStackOpen, retentionOf } from '../../operation/tidy-store.js';
import { sweepStore } from '../../stack/janitor.js';
import type { Store } from '../../store/open-store.js';
import { connectTemporal } from './connect-temporal.js';
import type { Finding } from './finding.js';
import { firstLine } from './first-line.js';
import { readableSize } from './readable-size.js';

/**
 * What the next sweep of the store removes, and objects that can't be read. Without Temporal nobody knows what open operations
 * need, so what is past its times is counted, and not called left over. Throws `StoreUnavailable`.
 */
export async function* checkStoreObjects(
  config: Config,
  store: Store,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  let unknown: string | undefined;
  const connection = await connectTemporal(config).catch((error: unknown) => {
    unknown = firstLine(error);
    return undefined;
  });
  const isOpen = async (stackId: string): Promise<boolean> => {
    if (connection === undefined || unknown !== undefined) return false;
    const client = new Client({ connection, namespace: config.temporal.namespace });
    try {
      return await isStackOpen(client, stackId);
    } catch (error) {
      unknown = firstLine(error);
      return false;
    }
  };
  try {
    const retention = retentionOf(config);
    const report = await sweepStore(store, { retention, isOpen, dryRun: true, signal });
    const past = `${countKinds(report.removed)} past their times, ${readableSize(report.bytes)}`;
    if (report.removed.length > 0)
      yield {
        subject: 'left in store',
        bytes: report.bytes,
        ...(unknown === undefined
          ? {
              status: 'left-over',
              found: past,
              remedy: 'a worker removes them at its next sweep, within six hours',
            }
          : {
              status: 'unknown',
              found: `${past}; whether an open operation needs them only Temporal knows (${unknown})`,
              remedy: `make Temporal answer at ${config.temporal.address}, then look again; until then no worker removes them`,
            }),
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
    await connection?.close();
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
