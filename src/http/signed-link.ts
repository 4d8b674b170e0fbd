/** Links that open one stored thing for who has no key, until they expire; nothing about them is kept anywhere. */
import { timingSafeEqual } from 'node:crypto';
import type { Store } from '../store/open-store.js';

/** What a link opens. */
export interface Linked {
  readonly stackId: string;
  readonly planDigest: string;
}

/** Milliseconds that a link holds: as long as a saved plan can be approved. */
const HOLDS = 7 * 24 * 3_600_000;

/** The link to a plan below `base`. */
export async function signLink(
  store: Pick<Store, 'stackKey'>,
  base: string,
  linked: Linked,
  now = Date.now(),
): Promise<string> {
  const until = String(now + HOLDS);
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
  const match = /^\/stacks\/([a-z0-9][a-z0-9._-]{0,99})\/plans\/([0-9a-f]{64})$/.exec(path);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { stackId: match[1], planDigest: `sha256:${match[2]}` };
}

function pathOf({ stackId, planDigest }: Linked): string {
  return `stacks/${stackId}/plans/${planDigest.replace('sha256:', '')}`;
}

async function signature(
  store: Pick<Store, 'stackKey'>,
  { stackId, planDigest }: Linked,
  until: string,
): Promise<string> {
  const keys = await store.stackKey(stackId);
  return keys.seal(`link ${planDigest} ${until}`).toString('hex');
}
