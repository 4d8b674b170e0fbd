/** What became of every approved change, and what was done that nobody approved. */
import {
  INLINE_CHANGES,
  type Change,
  type Receipt,
  type ReceiptEntry,
} from '../contract/change.js';

/** One resource operation that the engine reported; `action` in the engine's word or ours. */
export interface DoneEvent {
  readonly resource: string;
  readonly action: string;
  readonly status: 'started' | 'done' | 'failed';
}

type Action = Change['action'];

/** The operations that an approved change is made of. */
const STEPS: Readonly<Record<Action, readonly string[]>> = {
  create: ['create'],
  update: ['update'],
  delete: ['delete'],
  replace: ['delete', 'create'],
  read: ['read'],
  move: [],
  import: ['import'],
  forget: [],
};
/** Words of the engines for the same operations. Pulumi: `create-replacement`, `delete-replaced`, `same`. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  'create-replacement': ['create'],
  'delete-replaced': ['delete'],
  replace: ['delete', 'create'],
  remove: ['delete'],
  discard: ['delete'],
  'import-replacement': ['import', 'create'],
  refresh: [],
  same: [],
  noop: [],
  'no-op': [],
  read: ['read'],
  'read-replacement': ['read'],
};
/** Bookkeeping of the engine that gives no event of its own: done when the run succeeded. */
const SILENT: ReadonlySet<Action> = new Set(['move', 'forget', 'read', 'import']);

/** How the tool ended; `lost`: it did not end by itself, and its last events may have been lost with it. */
export type ToolEnd = 'succeeded' | 'failed' | 'lost';

/** Compares what was approved with what the engine is known to have done. */
export function compareReceipt(
  approved: readonly Pick<Change, 'resource' | 'action'>[],
  events: Iterable<DoneEvent>,
  end: ToolEnd,
): Receipt {
  const seen = collect(events);
  const entries: ReceiptEntry[] = approved.map((change) => ({
    resource: change.resource,
    action: change.action,
    ...judge(change.action, seen.get(change.resource), end),
  }));
  const allowed = new Map<string, Set<string>>();
  for (const { resource, action } of approved) {
    const steps = allowed.get(resource) ?? new Set<string>();
    for (const step of [...STEPS[action], 'read']) steps.add(step);
    allowed.set(resource, steps);
  }
  for (const [resource, steps] of seen) {
    for (const [step, status] of steps) {
      if (step === 'read' || allowed.get(resource)?.has(step)) continue;
      entries.push({
        resource,
        action: isAction(step) ? step : 'update',
        status: 'unapproved',
        ...(status !== 'done' && {
          detail: status === 'failed' ? 'and it failed' : 'and it did not end',
        }),
      });
    }
  }
  return toReceipt(entries);
}

/** Counts entries, and keeps the first `INLINE_CHANGES` of them: unapproved and failed ones first. */
export function toReceipt(entries: readonly ReceiptEntry[]): Receipt {
  const count = (status: ReceiptEntry['status']): number =>
    entries.filter((entry) => entry.status === status).length;
  const order = ['unapproved', 'failed', 'unknown', 'not-reached', 'done'];
  const unknown = count('unknown');
  return {
    done: count('done'),
    failed: count('failed'),
    not_reached: count('not-reached'),
    unapproved: count('unapproved'),
    ...(unknown === 0 ? {} : { unknown }),
    entries: [...entries]
      .sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status))
      .slice(0, INLINE_CHANGES),
  };
}

type Steps = Map<string, DoneEvent['status']>;

function collect(events: Iterable<DoneEvent>): Map<string, Steps> {
  const seen = new Map<string, Steps>();
  for (const { resource, action, status } of events) {
    const steps = seen.get(resource) ?? new Map<string, DoneEvent['status']>();
    for (const step of WORDS[action] ?? [action]) {
      if (steps.get(step) !== 'failed') steps.set(step, status);
    }
    seen.set(resource, steps);
  }
  return seen;
}

function judge(
  action: Action,
  seen: Steps | undefined,
  end: ToolEnd,
): Pick<ReceiptEntry, 'status' | 'detail'> {
  const states = STEPS[action].map((step) => seen?.get(step));
  if (states.includes('failed')) return { status: 'failed' };
  if (states.includes('started')) return { status: 'failed', detail: 'it began and did not end' };
  const done = states.filter((state) => state === 'done').length;
  if (done === states.length && done > 0) return { status: 'done' };
  if (done > 0) return { status: 'failed', detail: 'it was done in part' };
  if (SILENT.has(action) && end === 'succeeded') return { status: 'done' };
  return { status: end === 'lost' ? 'unknown' : 'not-reached' };
}

function isAction(step: string): step is Action {
  return step in STEPS;
}
