/** Starts notifications: each is a workflow of its own, so that nothing waits for a receiver. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow';
import type { Notification, NotificationEvent } from '../src/contract/notification.js';
import { notificationWorkflowId, WORKFLOW } from '../src/temporal/names.js';
import { ATTRIBUTE } from '../src/temporal/search-attributes.js';
import { defined, type Operation } from './operation.js';

/** Tells an event of this run once, when a webhook wants to hear of it; `about` tells events of one run apart. */
export async function notify(
  { input, progress, notifies = [] }: Operation,
  event: NotificationEvent,
  more: Partial<Notification> = {},
  about = '',
): Promise<void> {
  if (!notifies.includes(event)) return;
  const { workflowId, runId } = workflowInfo();
  const { stackId, operation, requestedBy } = input;
  const { planDigest, decideUntil } = progress.state;
  const id = notificationWorkflowId(stackId, event, [runId, about].filter(Boolean).join('-'));
  const notification: Notification = {
    id,
    event,
    at: new Date().toISOString(),
    stackId,
    operation,
    workflowId,
    runId,
    ...defined({ requestedBy, planDigest, decideUntil, summary: progress.plan?.view.summary }),
    ...more,
  };
  try {
    await startChild(WORKFLOW.deliverNotification, {
      workflowId: id,
      args: [notification],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `tell ${event} of ${stackId}`,
      typedSearchAttributes: [{ key: ATTRIBUTE.stack, value: stackId }],
    });
  } catch (error) {
    // A reset run comes here again: it was told.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
