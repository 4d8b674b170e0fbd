/** What was done, compared with what was approved. */
import type { Change, Receipt, ReceiptEntry } from '../../../src/contract/index.js';
import { INLINE_CHANGES } from '../../../src/contract/index.js';
import { actionOf, type ResourceProgress } from './change-collector.js';

const ORDER: Record<ReceiptEntry['status'], number> = {
  unapproved: 0,
  failed: 1,
  unknown: 2,
  'not-reached': 3,
  done: 4,
};

/**
 * The receipt of a mutation. Pulumi's update plan is an upper bound: an approved replacement that became an update is a change that
 * nobody approved. A change that turned out to be done already counts as done. Without an approved plan everything that was done is approved.
 */
export function makeReceipt(
  approved: readonly Change[] | undefined,
  done: readonly ResourceProgress[],
  succeeded: boolean,
): Receipt {
  const open = new Map(done.map((progress) => [keyOf(progress), progress]));
  const entries: ReceiptEntry[] = [];
  for (const change of approved ?? []) {
    const key = `${change.resource}\0${change.deposed ?? ''}`;
    const progress = open.get(key);
    const action = progress === undefined ? undefined : actionOf(progress);
    if (progress !== undefined && action !== change.action) {
      entries.push({ resource: change.resource, action: change.action, status: 'not-reached' });
      continue;
    }
    open.delete(key);
    entries.push({
      resource: change.resource,
      action: change.action,
      ...statusOf(progress, succeeded),
    });
  }
  for (const progress of open.values()) {
    const action = actionOf(progress);
    if (action === undefined) continue;
    const status = statusOf(progress, succeeded).status;
    if (approved === undefined) entries.push({ resource: progress.urn, action, status });
    else if (status !== 'not-reached')
      entries.push({ resource: progress.urn, action, status: 'unapproved' });
  }
  const count = (status: ReceiptEntry['status']): number =>
    entries.filter((entry) => entry.status === status).length;
  return {
    done: count('done'),
    failed: count('failed'),
    not_reached: count('not-reached'),
    unapproved: count('unapproved'),
    entries: entries.sort((a, b) => ORDER[a.status] - ORDER[b.status]).slice(0, INLINE_CHANGES),
  };
}

function statusOf(
  progress: ResourceProgress | undefined,
  succeeded: boolean,
): Pick<ReceiptEntry, 'status' | 'detail'> {
  if (progress === undefined)
    return succeeded ? { status: 'done', detail: 'it was so already' } : { status: 'not-reached' };
  if (progress.failed) return { status: 'failed' };
  if (progress.done >= progress.announced.size) return { status: 'done' };
  if (succeeded) return { status: 'done' };
  return progress.done > 0
    ? { status: 'failed', detail: 'the replacement was not finished' }
    : { status: 'failed', detail: 'it was under way when the run ended' };
}

function keyOf(progress: ResourceProgress): string {
  return `${progress.urn}\0${progress.leftOver ?? ''}`;
}
