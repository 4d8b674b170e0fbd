/** Removes what is old from the store, now and then and by one worker at a time. */
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import {
  DEFAULT_RETENTION,
  sweepStore,
  type Retention,
  type SweepReport,
} from '../stack/janitor.js';
import { stackWorkflowId } from '../temporal/names.js';
import type { OperationDependencies } from './dependencies.js';

/** Milliseconds between two sweeps of a store, whoever does them. */
const PERIOD = 6 * 3_600_000;
const SWEEPS = 'sweeps/';

/**
 * Sweeps the store unless another worker did or does in this period; undefined then.
 * Throws `StoreUnavailable`, and Temporal's own errors: without the server nobody knows what is open.
 */
export async function tidyStore(
  {
    store,
    config,
    client,
  }: Pick<OperationDependencies, 'store' | 'config'> & { readonly client: Client },
  signal: AbortSignal,
  now = Date.now(),
): Promise<SweepReport | undefined> {
  if (!(await claimPeriod(store, now))) return undefined;
  return sweepStore(store, {
    retention: retentionOf(config),
    isOpen: (stackId) => isStackOpen(client, stackId),
    now,
    signal,
  });
}

/** True for the first who asks in a period; the claims of earlier ones go. */
async function claimPeriod(
  { objects }: OperationDependencies['store'],
  now: number,
): Promise<boolean> {
  const key = `${SWEEPS}${String(Math.floor(now / PERIOD)).padStart(10, '0')}`;
  if (!(await objects.create(key, Buffer.from(new Date(now).toISOString())))) return false;
  for await (const earlier of objects.list(SWEEPS))
    if (earlier.key < key) await objects.delete(earlier.key);
  return true;
}

/** Whether an operation on the stack runs or waits. Throws Temporal's own errors. */
export async function isStackOpen(client: Client, stackId: string): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(stackWorkflowId(stackId)).describe();
    return status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** The times that are configured for what the store holds. */
export function retentionOf({ keepMs }: OperationDependencies['config']): Retention {
  return {
    plans: { ...DEFAULT_RETENTION.plans, maxAgeMs: keepMs.plans },
    states: { ...DEFAULT_RETENTION.states, maxAgeMs: keepMs.states },
    attempts: { maxAgeMs: keepMs.requests },
    requests: { maxAgeMs: keepMs.requests },
    logs: { maxAgeMs: keepMs.logs },
    artefacts: { maxAgeMs: keepMs.artefacts },
  };
}
