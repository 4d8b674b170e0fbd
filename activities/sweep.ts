/** Removes containers whose result is safe: only when the server has the answer, because until then an attempt may come again. */
import { activityInfo, Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/common';
import { removeRun, removeVolume } from '../src/docker/inspect-run.js';
import type { OperationDependencies, RunContainer } from '../src/operation/dependencies.js';

/** Milliseconds between two questions to the server. */
const INTERVAL = 1000;

/** To be called inside an activity; what it can't remove is left to the janitor. */
export type Sweep = (container: RunContainer) => void;

/** Creates the sweep of a worker. */
export function createSweep({ engine }: Pick<OperationDependencies, 'engine'>): Sweep {
  return (container) => {
    const { client } = Context.current();
    const { activityId, workflowExecution } = activityInfo();
    if (workflowExecution === undefined) return;
    const { workflowId, runId } = workflowExecution;
    const handle = client.workflow.getHandle(workflowId, runId);
    const isPending = async (): Promise<boolean> => {
      try {
        const { raw } = await handle.describe();
        return (raw.pendingActivities ?? []).some((pending) => pending.activityId === activityId);
      } catch (error) {
        return !(error instanceof WorkflowNotFoundError);
      }
    };
    const look = async (): Promise<void> => {
      if (await isPending()) {
        later();
        return;
      }
      await removeRun(engine, container.id);
      if (container.volume !== undefined) await removeVolume(engine, container.volume);
    };
    const later = (): void => {
      setTimeout(() => void look().catch(() => undefined), INTERVAL).unref();
    };
    later();
  };
}
