/** Timeouts, retries and queues of every activity. What is not worth a retry says so itself (`nonRetryable`). */
import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { OperationInput } from '../src/contract/operation.js';
import { runTimes } from '../src/contract/run-times.js';
import type { Activities } from '../src/operation/types.js';
import { controlQueue, dockerQueue } from '../src/temporal/names.js';

const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' } as const;

/** Light steps, run by the worker that has the workflow task: no queue, hardly any history. */
export const light = proxyLocalActivities<
  Pick<Activities, 'prepare' | 'record' | 'readStack' | 'listStacks' | 'noteDrift' | 'recipients'>
>({
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '5m',
  retry: { ...retry, maximumInterval: '10s' },
});

/** The first step where the store is slow or away: it beats, so that a cancel is heard, and its tries can be seen. */
export const waiting = proxyActivities<Pick<Activities, 'prepareLater'>>({
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: '5m',
  heartbeatTimeout: '10s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { ...retry, maximumInterval: '10s' },
});

/** The store gets this for the entry of a cancelled operation that ran nothing: whoever cancelled waits for the end. */
export const brief = { scheduleToCloseTimeout: '1s', retry: { maximumAttempts: 1 } } as const;

/** Deliveries: tried again for a day, with pauses of up to ten minutes. */
export const sending = proxyActivities<Pick<Activities, 'sendNotification'>>({
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '1d',
  retry: { ...retry, initialInterval: '5s', maximumInterval: '10m' },
});

/** Steps on a Docker engine that end on their own: build and push. */
export function buildActivities(dockerId: string): Proxied<'build' | 'push'> {
  return proxyActivities<Pick<Activities, 'build' | 'push'>>({
    taskQueue: dockerQueue(dockerId),
    startToCloseTimeout: '30m',
    scheduleToCloseTimeout: '2h',
    heartbeatTimeout: '10s',
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry,
  });
}

type Proxied<Name extends keyof Activities> = ReturnType<
  typeof proxyActivities<Pick<Activities, Name>>
>;

/**
 * Container activities. Attempts are not limited: each loss of a worker costs one, and a later attempt
 * adopts the container. The cancellation type is set because the SDK's real default lets the run end
 * while the container goes on.
 */
export function containerActivities(
  dockerId: string,
  input: OperationInput,
): Proxied<'preview' | 'execute' | 'settle'> {
  const { tryMs, stepMs } = runTimes(input.limits);
  return proxyActivities<Pick<Activities, 'preview' | 'execute' | 'settle'>>({
    taskQueue: dockerQueue(dockerId),
    startToCloseTimeout: tryMs,
    scheduleToCloseTimeout: stepMs,
    heartbeatTimeout: '10s',
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry,
  });
}

/** What full container slots must never delay. */
export function controlActivities(dockerId: string): Proxied<'kill'> {
  return proxyActivities<Pick<Activities, 'kill'>>({
    taskQueue: controlQueue(dockerId),
    startToCloseTimeout: '1m',
    scheduleToCloseTimeout: '5m',
    retry: { ...retry, maximumInterval: '5s' },
  });
}
