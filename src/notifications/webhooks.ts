/** Webhooks of a worker: who is told what, from the file that the configuration names. */
import { readFile } from 'node:fs/promises';
import { BlockList, isIP } from 'node:net';
import { parse } from 'yaml';
import * as z from 'zod';
import { issueLines } from '../contract/issues.js';
import { notificationEventSchema, type NotificationEvent } from '../contract/notification.js';
import { CodedError } from '../errors.js';

/** Addresses that clouds serve credentials from, and that nothing else is at. */
const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet('169.254.0.0', 16, 'ipv4');
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6');
LINK_LOCAL.addAddress('fd00:ec2::254', 'ipv6');

const webhookSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'not a name: lower-case letters, digits, "-"'),
  url: z.string().superRefine((text, context) => {
    const problem = problemOf(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  }),
  /** Name of the secret that signs; resolved when it is used. */
  secret: z.string().min(1),
  /** Default: all. */
  events: z.array(notificationEventSchema).min(1).optional(),
  /** Beginnings of stack ids; default: every stack. */
  stacks: z.array(z.string().min(1)).min(1).optional(),
});
export type Webhook = z.infer<typeof webhookSchema>;

const fileSchema = z.strictObject({
  webhooks: z.array(webhookSchema).superRefine((webhooks, context) => {
    const seen = new Set<string>();
    webhooks.forEach(({ name }, index) => {
      if (seen.has(name))
        context.addIssue({
          code: 'custom',
          path: [index, 'name'],
          message: `"${name}" comes twice`,
        });
      seen.add(name);
    });
  }),
});

/** Reads the file (YAML or JSON). Throws `InvalidConfiguration` that names every mistake. */
export async function loadWebhooks(path: string | undefined): Promise<readonly Webhook[]> {
  if (path === undefined) return [];
  const invalid = (problem: string): CodedError =>
    new CodedError('InvalidConfiguration', `CLDCTL_WEBHOOKS_FILE ${path}: ${problem}`);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw invalid(`can't be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  });
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    throw invalid((error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '');
  }
  const parsed = fileSchema.safeParse(content);
  if (!parsed.success) throw invalid(issueLines(parsed.error).join('; '));
  return parsed.data.webhooks;
}

/** The webhooks that want to hear of an event of a stack. */
export function recipients(
  webhooks: readonly Webhook[],
  stackId: string,
  event: NotificationEvent,
): readonly Webhook[] {
  return webhooks.filter(
    ({ events, stacks }) =>
      (events === undefined || events.includes(event)) &&
      (stacks === undefined || stacks.some((prefix) => stackId.startsWith(prefix))),
  );
}

/** The events of a stack that somebody wants to hear of. */
export function wantedEvents(webhooks: readonly Webhook[], stackId: string): NotificationEvent[] {
  return notificationEventSchema.options.filter(
    (event) => recipients(webhooks, stackId, event).length > 0,
  );
}

function problemOf(text: string): string | undefined {
  if (!URL.canParse(text)) return 'not a URL';
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'neither http: nor https:';
  if (url.username !== '' || url.password !== '')
    return 'user and password in a URL end up in logs: the signature proves who sends';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const version = isIP(host);
  if (version !== 0 && LINK_LOCAL.check(host, version === 4 ? 'ipv4' : 'ipv6'))
    return `${host} is a link-local or metadata address`;
  return undefined;
}
