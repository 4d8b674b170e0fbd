import {
  INLINE_CHANGES,
  type Change,
  type ChangeAction,
  type Receipt,
  type ReceiptEntry,
} from '../../../src/contract/index.js';
import type { PlannedChange, ResourceEnd } from './stream.js';

/** An approved change, as far as a receipt needs it. */
export type ApprovedChange = Pick<Change, 'resource' | 'action'>;

/** Operations that one change consists of. */
const STEPS: Readonly<Record<ChangeAction, readonly string[]>> = {
  create: ['create'],
  update: ['update'],
  delete: ['delete'],
  replace: ['create', 'delete'],
  read: ['read'],
  // The tool reports no operation for these: they only change the state.
  move: [],
  import: [],
  forget: [],
};

const ORDER = ['failed', 'unapproved', 'not-reached', 'done'] as const;

/** What happened to every approved change, and what happened besides. `stateWritten` tells about changes of the state alone. */
export function createReceipt(
  approved: readonly ApprovedChange[],
  ended: readonly ResourceEnd[],
  succeeded: boolean,
  stateWritten: boolean,
): Receipt {
  const left = [...ended];
  const take = (resource: string, action: string): ResourceEnd | undefined => {
    const index = left.findIndex((end) => end.resource === resource && end.action === action);
    return index === -1 ? undefined : left.splice(index, 1)[0];
  };
  const entries: ReceiptEntry[] = approved.map(({ resource, action }) => {
    const steps = STEPS[action];
    if (steps.length === 0)
      return { resource, action, status: succeeded || stateWritten ? 'done' : 'not-reached' };
    const found = steps.flatMap((step) => take(resource, step) ?? []);
    const done = found.filter(({ failed }) => !failed).map((end) => end.action);
    if (done.length === steps.length) return { resource, action, status: 'done' };
    if (found.length === 0) return { resource, action, status: 'not-reached' };
    const detail = done.length === 0 ? {} : { detail: `only ${done.join(', ')} was done` };
    return { resource, action, status: 'failed', ...detail };
  });
  for (const { resource, action, failed } of left)
    // Data sources are read when they have to be, planned or not.
    if (action !== 'read')
      entries.push({
        resource,
        action: knownAction(action),
        status: 'unapproved',
        ...(failed ? { detail: 'it failed' } : {}),
      });
  const count = (status: ReceiptEntry['status']): number =>
    entries.filter((entry) => entry.status === status).length;
  return {
    done: count('done'),
    failed: count('failed'),
    not_reached: count('not-reached'),
    unapproved: count('unapproved'),
    entries: ORDER.flatMap((status) => entries.filter((entry) => entry.status === status)).slice(
      0,
      INLINE_CHANGES,
    ),
  };
}

/** The changes that `apply` announces when it starts from a plan file; pure moves and imports are not among them. */
export function announcedChanges(planned: readonly PlannedChange[]): ApprovedChange[] {
  return planned.flatMap(({ resource, action }) => {
    if (action === 'noop') return [];
    return [{ resource, action: action === 'remove' ? 'forget' : knownAction(action) }];
  });
}

function knownAction(action: string): ChangeAction {
  return Object.hasOwn(STEPS, action) ? (action as ChangeAction) : 'update';
}
