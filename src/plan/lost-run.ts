/** What became of a mutating run whose container gave no answer, judged by what was found of it. */
import type { Change, Receipt } from '../contract/change.js';
import type { JournalLine } from '../contract/journal.js';
import { compareReceipt, type DoneEvent } from './receipt.js';

export interface PendingOperation {
  readonly resource: string;
  readonly operation: string;
}

/** What was found in the working volume, the log and the state. */
export interface LostRunFindings {
  readonly approved: readonly Pick<Change, 'resource' | 'action'>[];
  /** The run's own answer, sealed and whole. */
  readonly answered: boolean;
  /** Undefined: there is none, or it can't be read. */
  readonly journal: readonly JournalLine[] | undefined;
  /** Resource events that reached the worker. */
  readonly heard: readonly DoneEvent[];
  /** True when the state is known to be the one that the tool left. */
  readonly stateIsSafe: boolean;
  /** Resources of the state that the next run starts from; undefined when it can't be told. */
  readonly tracked: ReadonlySet<string> | undefined;
  /** Operations that the state itself names as under way. */
  readonly pending: readonly PendingOperation[];
}

export type LostRunVerdict =
  /** It ended, and its answer says how. */
  | { readonly kind: 'answered' }
  /** The mutating command was never started. */
  | { readonly kind: 'not-done' }
  /** The tool had ended: what it did is known, only its answer is lost. */
  | { readonly kind: 'known'; readonly succeeded: boolean; readonly receipt: Receipt }
  /** The tool was ended from outside: anything may have been done beyond what is listed. */
  | {
      readonly kind: 'unknown';
      readonly receipt: Receipt;
      /** Under way at the end: there or not. */
      readonly open: readonly PendingOperation[];
      /** Made, and not in the state. */
      readonly untracked: readonly string[];
    };

/** Judges; claims only what was proved, everything else is `unknown`. */
export function judgeLostRun(findings: LostRunFindings): LostRunVerdict {
  const { answered, approved, journal, stateIsSafe } = findings;
  if (answered) return { kind: 'answered' };
  const begun = journal?.some(({ type }) => type === 'mutating') ?? true;
  if (journal?.[0]?.type === 'opened' && !begun) return { kind: 'not-done' };
  const events = journal === undefined ? findings.heard : journal.filter(isResource);
  const end = endOf(journal ?? []);
  const succeeded = end?.exitCode === 0;
  const ended = end !== undefined && end.exitCode !== undefined;
  const how = succeeded ? 'succeeded' : ended ? 'failed' : 'lost';
  const receipt = compareReceipt(approved, [...begunByState(findings.pending), ...events], how);
  const open = openOperations(events, findings.pending);
  const untracked = untrackedResources(events, findings.tracked);
  if (ended && stateIsSafe && open.length === 0 && untracked.length === 0)
    return { kind: 'known', succeeded, receipt };
  return { kind: 'unknown', receipt, open, untracked };
}

function isResource(line: JournalLine): line is Extract<JournalLine, { type: 'resource' }> {
  return line.type === 'resource';
}

/** Pulumi writes an operation into its state before it begins, and takes it out after it has ended. */
const PENDING: Readonly<Record<string, string>> = {
  creating: 'create',
  updating: 'update',
  deleting: 'delete',
  importing: 'import',
};

function begunByState(pending: readonly PendingOperation[]): DoneEvent[] {
  return pending.map(({ resource, operation }) => ({
    resource,
    action: PENDING[operation] ?? operation,
    status: 'started',
  }));
}

/** How the last mutating command ended; undefined when it had not. */
function endOf(
  journal: readonly JournalLine[],
): Extract<JournalLine, { type: 'ended' }> | undefined {
  const last = [...journal].reverse().find(({ type }) => type === 'ended' || type === 'mutating');
  return last?.type === 'ended' ? last : undefined;
}

function openOperations(
  events: readonly DoneEvent[],
  pending: readonly PendingOperation[],
): PendingOperation[] {
  const open = new Map<string, PendingOperation>();
  const named = (resource: string, operation: string): string => `${operation}\0${resource}`;
  for (const { resource, action, status } of events) {
    if (status === 'started') open.set(named(resource, action), { resource, operation: action });
    else open.delete(named(resource, action));
  }
  const known = new Set([...open.values()].map(({ resource }) => resource));
  return [...open.values(), ...pending.filter(({ resource }) => !known.has(resource))].filter(
    ({ operation }) => operation !== 'read',
  );
}

/** Resources whose last event says that they were made, as far as the state does not have them. */
export function untrackedResources(
  events: readonly DoneEvent[],
  tracked: ReadonlySet<string> | undefined,
): string[] {
  if (tracked === undefined) return [];
  const made = new Set<string>();
  for (const { resource, action, status } of events) {
    if (status !== 'done') continue;
    if (action === 'create' || action === 'import') made.add(resource);
    else if (action === 'delete') made.delete(resource);
  }
  return [...made].filter((resource) => !tracked.has(resource));
}
