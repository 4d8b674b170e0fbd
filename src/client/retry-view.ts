/** The step of a run that is tried again, from the server's description: the run itself knows nothing of its activities' tries. */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { RetryView } from './types.js';

type Pending = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** The first step that has failed before and is not given up. */
export function retryView(
  pending: readonly Pending[] | null | undefined,
  now = Date.now(),
): RetryView | undefined {
  const failed = pending?.find(({ lastFailure }) => lastFailure?.message != null);
  if (failed === undefined) return undefined;
  const { activityType, attempt, lastFailure, scheduledTime, lastStartedTime } = failed;
  const code = lastFailure?.applicationFailureInfo?.type;
  const at = scheduledTime?.seconds == null ? undefined : Number(scheduledTime.seconds) * 1000;
  const started = lastStartedTime?.seconds == null ? 0 : Number(lastStartedTime.seconds) * 1000;
  return {
    step: activityType?.name ?? 'step',
    attempt: attempt ?? 1,
    reason: `${code ? `${code}: ` : ''}${lastFailure?.message ?? ''}`,
    ...(at !== undefined && at > now && at > started ? { at: new Date(at) } : {}),
  };
}
