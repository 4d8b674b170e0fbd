/** `deliverNotification`: one notification to every webhook that wants it, each tried for a day. */
import type { Notification } from '../src/contract/notification.js';
import { notificationSchema } from '../src/contract/notification.js';
import { applicationFailure, failureOf } from './failures.js';
import { summaryLine } from './operation.js';
import { light, sending } from './policies.js';
import { validate } from './validate.js';

/** Fails when a webhook did not take it in that time; the others have it then. */
export async function deliverNotification(raw: unknown): Promise<{ delivered: string[] }> {
  const notification: Notification = validate(notificationSchema, raw, 'notification');
  const { stackId, event } = notification;
  const webhooks = await light.recipients({ stackId, event });
  const ends = await Promise.allSettled(
    webhooks.map((webhook) =>
      sending.sendNotification.executeWithOptions(
        { summary: summaryLine(`${event} to ${webhook}`) },
        [{ webhook, notification }],
      ),
    ),
  );
  const failures = ends.flatMap((end) =>
    end.status === 'rejected' ? [failureOf(end.reason, 'notify')] : [],
  );
  const [first] = failures;
  if (first === undefined) return { delivered: webhooks };
  throw applicationFailure({
    ...first,
    message: failures.map(({ message }) => message).join('; '),
  });
}
