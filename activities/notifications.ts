import { Context } from '@temporalio/activity';
import { sendNotification } from '../src/notifications/send-notification.js';
import { recipients } from '../src/notifications/webhooks.js';
import { secretSources } from '../src/operation/run-inputs.js';
import type { Activities } from '../src/operation/types.js';
import { resolveSecret } from '../src/secrets/sources.js';
import { uiLink } from '../src/client/ui-link.js';
import { CodedError } from '../src/errors.js';
import { withFailures } from './activity-scope.js';
import type { ActivityDependencies } from './activity-dependencies.js';

/** Names of the webhooks that a notification goes to. */
export function createRecipients({ webhooks }: ActivityDependencies): Activities['recipients'] {
  return ({ stackId, event }) =>
    withFailures(async () => recipients(webhooks, stackId, event).map(({ name }) => name));
}

/** Sends a notification to one webhook, once; a webhook that the configuration names no more is done with. */
export function createSendNotification({
  webhooks,
  config,
}: ActivityDependencies): Activities['sendNotification'] {
  return ({ webhook: name, notification }) =>
    withFailures(async () => {
      const webhook = webhooks.find((each) => each.name === name);
      if (webhook === undefined)
        throw new CodedError(
          'InvalidConfiguration',
          `webhook ${name} is not in this worker's CLDCTL_WEBHOOKS_FILE any more`,
        );
      const secret = await resolveSecret(secretSources(config), webhook.secret);
      const { workflowId, runId } = notification;
      const uiUrl = uiLink(config.uiUrl, config.temporal.namespace, workflowId, runId);
      await sendNotification(
        webhook,
        secret,
        { ...notification, ...(uiUrl === undefined ? {} : { uiUrl }) },
        Context.current().cancellationSignal,
      );
    });
}
