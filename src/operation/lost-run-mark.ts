/** The mark that a lost run leaves in its stack's record, and what takes it away. */
import type { Change, Receipt } from '../contract/change.js';
import type { ErrorCode, Failure } from '../contract/error-code.js';
import { isSameRun, needsPerson, type LostRun } from '../contract/lost-run.js';
import type { AttemptRef, AttemptResult } from '../stack/attempt-store.js';
import type { AttemptContext } from './attempt-context.js';

/** Failures after which the state may not have everything that the run made. */
const UNSEEN: readonly ErrorCode[] = ['OutcomeUnknown', 'StateDamaged'];
/** Most entries of each list: the mark travels with every plan. */
const ENTRIES = 50;
/** Actions after which a thing is there. */
const MAKING: readonly Change['action'][] = ['create', 'replace', 'import'];

/** True for a failure after which the state may lack what the run made. */
export function isUnseen(failure: Failure | undefined): failure is Failure {
  return failure !== undefined && UNSEEN.includes(failure.code);
}

/** What is known of a run beyond its failure. */
export interface LostFindings {
  readonly receipt?: Receipt | undefined;
  readonly open?: LostRun['open'];
  readonly untracked?: LostRun['untracked'];
}

/**
 * The mark after an attempt has ended: a new one when it was lost, none when a person approved it knowing of the old one,
 * else the old one.
 */
export function lostRunAfter(
  old: LostRun | undefined,
  { request, run }: Pick<AttemptContext, 'request' | 'run'>,
  { planDigest, attempt }: AttemptRef,
  { failure, outcome, at }: AttemptResult,
  { receipt, open, untracked }: LostFindings,
): LostRun | undefined {
  if (isUnseen(failure)) {
    return {
      planDigest,
      attempt,
      operation: request.operation,
      ...run,
      at,
      message: failure.message,
      ...(receipt === undefined
        ? {}
        : { receipt: { ...receipt, entries: receipt.entries.slice(0, ENTRIES) } }),
      ...(open === undefined || open.length === 0 ? {} : { open: open.slice(0, ENTRIES) }),
      ...(untracked === undefined || untracked.length === 0
        ? {}
        : { untracked: untracked.slice(0, ENTRIES) }),
    };
  }
  const looked =
    needsPerson(request.operation, old) &&
    outcome !== 'nothing-ran' &&
    isSameRun(old, request.knownLoss);
  return looked ? undefined : old;
}

/**
 * The mark as a later plan shows it. What the lost run made and this plan would make again is in no state: where that is in a
 * backend, nobody but the tool can tell.
 */
export function besidePlan(
  lostRun: LostRun,
  changes: readonly Pick<Change, 'resource' | 'action'>[],
): LostRun {
  const again = new Set(
    changes.filter(({ action }) => action === 'create').map(({ resource }) => resource),
  );
  const made = (lostRun.receipt?.entries ?? []).filter(
    ({ status, action, resource }) =>
      status === 'done' && MAKING.includes(action) && again.has(resource),
  );
  const untracked = new Set([
    ...(lostRun.untracked ?? []),
    ...made.map(({ resource }) => resource),
  ]);
  return untracked.size === 0 ? lostRun : { ...lostRun, untracked: [...untracked] };
}
