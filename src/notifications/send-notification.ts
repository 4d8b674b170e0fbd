/** One delivery of one notification: signed as Standard Webhooks 1.0.0 says, told as delivered only by a 2xx answer. */
import { createHmac } from 'node:crypto';
import { stringifyJson, type Json } from '../contract/json.js';
import type { Notification } from '../contract/notification.js';
import { CodedError } from '../errors.js';
import type { Webhook } from './webhooks.js';

/** Milliseconds that a receiver may take. */
const ANSWER_WITHIN = 15_000;

/** Sends it once. Throws `WebhookFailed` with the receiver's status, or why there was no answer. */
export async function sendNotification(
  webhook: Webhook,
  secret: string,
  notification: Notification,
  signal: AbortSignal,
  now = Date.now(),
): Promise<void> {
  const body = stringifyJson(notification as unknown as Json);
  const timestamp = String(Math.floor(now / 1000));
  const failed = (why: string, cause?: unknown): CodedError =>
    new CodedError('WebhookFailed', `webhook ${webhook.name}: ${why}`, { cause });
  const answer = await fetch(webhook.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'cldctl-iac',
      'webhook-id': notification.id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signature(secret, notification.id, timestamp, body),
    },
    body,
    // A redirect could lead to where the configuration's check would not have let it.
    redirect: 'manual',
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN)]),
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw failed(reasonOf(error), error);
  });
  await answer.body?.cancel();
  if (!answer.ok) throw failed(`answered ${answer.status}`);
}

/** `v1,` and the Base64 of HMAC-SHA256 over `id.timestamp.body`; a secret `whsec_…` is Base64, any other is its bytes. */
export function signature(secret: string, id: string, timestamp: string, body: string): string {
  const key = secret.startsWith('whsec_')
    ? Buffer.from(secret.slice('whsec_'.length), 'base64')
    : Buffer.from(secret);
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${ANSWER_WITHIN / 1000} s`;
  const { cause } = error;
  return cause instanceof Error ? cause.message : error.message;
}
