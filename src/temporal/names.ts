/** Names that the worker, the workflows and every client agree on. */

/** Queue of workflows and light activities. */
export const TASK_QUEUE = 'iac';

/** Queue of container activities; `engineId` is the Docker engine's own id. */
export function dockerQueue(engineId: string): string {
  return `iac-docker-${engineId}`;
}

/** Queue of what must never wait for a container slot: kill, collect, clean up. */
export function controlQueue(engineId: string): string {
  return `iac-control-${engineId}`;
}

export const WORKFLOW = {
  stackOperation: 'stackOperation',
  readStack: 'readStack',
  listStacks: 'listStacks',
  scheduledRefresh: 'scheduledRefresh',
  deliverNotification: 'deliverNotification',
} as const;

export const UPDATE = {
  decide: 'decide',
  kill: 'kill',
  supersede: 'supersede',
  waitPlan: 'waitPlan',
} as const;

export const QUERY = { state: 'state', plan: 'plan' } as const;

/** Workflow id of everything that may change a stack: holding it is the lock. */
export function stackWorkflowId(stackId: string): string {
  return `stack:${stackId}`;
}

/** Workflow id of a preview that takes no lock; `random` is any unique text. */
export function previewWorkflowId(stackId: string, random: string): string {
  return `preview:${stackId}:${random}`;
}

/** Workflow id of a reading of a stack's record. */
export function readWorkflowId(stackId: string, random: string): string {
  return `read:${stackId}:${random}`;
}

/** Id of a stack's schedule, and the beginning of the ids of the checks that it starts. */
export function scheduleId(stackId: string): string {
  return `refresh:${stackId}`;
}

/** Workflow id of a notification; `about` tells those of one stack and event apart. */
export function notificationWorkflowId(stackId: string, event: string, about: string): string {
  return `notify:${stackId}:${event}:${about}`;
}
