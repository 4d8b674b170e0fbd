/** Workers of another store on the same queue: each would be given the other's operations, and know nothing of their stacks. */
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { NativeConnection } from '@temporalio/worker';
import { CodedError } from '../errors.js';
import { TASK_QUEUE } from './names.js';

/** A poll that finds nothing ends after a minute: a worker that is there is seen again within this time. Milliseconds. */
const POLL_ENDS = 70_000;
/** Milliseconds between two looks. */
const LOOK = 1000;

/** Identity of a worker in Temporal, which names its installation besides process and host. */
export function workerIdentity(installation: string): string {
  return `${process.pid}@${hostname()} installation ${installation}`;
}

interface Poller {
  readonly identity: string;
  /** Changes with each poll. */
  readonly lastAccess: string;
}

/**
 * Throws `InvalidConfiguration` when a worker of another installation serves the queue of operations. Temporal lists a worker
 * for minutes after its end: one that does not poll again is waited for, at most `POLL_ENDS`; `onWait` is told which.
 */
export async function refuseForeignWorkers(
  connection: Pick<NativeConnection, 'workflowService'>,
  namespace: string,
  installation: string,
  options: { readonly signal: AbortSignal; onWait(identity: string): void },
): Promise<void> {
  const own = ` installation ${installation}`;
  const foreign = async (): Promise<Poller[]> =>
    (await pollers(connection, namespace)).filter(
      ({ identity }) => identity.includes(' installation ') && !identity.endsWith(own),
    );
  const first = await foreign();
  const [one] = first;
  if (one === undefined) return;
  options.onWait(one.identity);
  const until = performance.now() + POLL_ENDS;
  while (performance.now() < until) {
    await delay(LOOK, undefined, { signal: options.signal });
    const now = await foreign();
    const alive = now.find(
      ({ identity, lastAccess }) =>
        !first.some((seen) => seen.identity === identity && seen.lastAccess === lastAccess),
    );
    if (alive !== undefined) {
      throw new CodedError(
        'InvalidConfiguration',
        `namespace ${namespace} is served by a worker with another store (${alive.identity}); ` +
          'give this one the same CLDCTL_STORE, or set TEMPORAL_NAMESPACE to a namespace of its own',
      );
    }
    if (now.length === 0) return;
  }
}

async function pollers(
  connection: Pick<NativeConnection, 'workflowService'>,
  namespace: string,
): Promise<Poller[]> {
  const { pollers: found } = await connection.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: TASK_QUEUE },
    // TASK_QUEUE_TYPE_WORKFLOW
    taskQueueType: 1,
  });
  return found.map(({ identity, lastAccessTime }) => ({
    identity: identity ?? '',
    lastAccess: `${String(lastAccessTime?.seconds)}.${lastAccessTime?.nanos ?? 0}`,
  }));
}
