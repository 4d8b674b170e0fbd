/** Links that open one stored thing for who has no key, until they expire; nothing about them is kept anywhere. */
import { timingSafeEqual } from 'node:crypto';
import type { Store } from '../store/open-store.js';

/** What a link opens: a plan, or the log of a run. */
export type Linked =
  | { readonly stackId: string; readonly planDigest: string }
  | { readonly stackId: string; readonly runId: string };

const DAY = 24 * 3_600_000;

/** The link below `base`; one to a plan holds for 7 days, as that can be approved, one to a log for 30, as operations wait. */
export async function signLink(
  store: Pick<Store, 'stackKey'>,
  base: string,
  linked: Linked,
  now = Date.now(),
): Promise<string> {
  const until = String(now + ('runId' in linked ? 30 : 7) * DAY);
  const url = new URL(pathOf(linked), base.endsWith('/') ? base : `${base}/`);
  url.searchParams.set('until', until);
  url.searchParams.set('signature', await signature(store, linked, until));
  return url.href;
}

/** True for a link that was signed with this store's key and holds still. */
export async function isSigned(
  store: Pick<Store, 'stackKey'>,
  linked: Linked,
  query: URLSearchParams,
  now = Date.now(),
): Promise<boolean> {
  const until = query.get('until') ?? '';
  if (!/^\d{1,15}$/.test(until) || Number(until) < now) return false;
  const expected = Buffer.from(await signature(store, linked, until));
  const given = Buffer.from(query.get('signature') ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Reads what a path names; undefined for any other path. */
export function parsePath(path: string): Linked | undefined {
  const [, stackId, plan, runId] =
    /^\/stacks\/([a-z0-9][a-z0-9._-]{0,99})\/(?:plans\/([0-9a-f]{64})|logs\/([0-9a-f-]{36}))$/.exec(
      path,
    ) ?? [];
  if (stackId === undefined) return undefined;
  if (plan !== undefined) return { stackId, planDigest: `sha256:${plan}` };
  return runId === undefined ? undefined : { stackId, runId };
}

function pathOf(linked: Linked): string {
  const what =
    'runId' in linked
      ? `logs/${linked.runId}`
      : `plans/${linked.planDigest.replace('sha256:', '')}`;
  return `stacks/${linked.stackId}/${what}`;
}

async function signature(
  store: Pick<Store, 'stackKey'>,
  linked: Linked,
  until: string,
): Promise<string> {
  const keys = await store.stackKey(linked.stackId);
  const what = 'runId' in linked ? `log ${linked.runId}` : linked.planDigest;
  return keys.seal(`link ${what} ${until}`).toString('hex');
}
