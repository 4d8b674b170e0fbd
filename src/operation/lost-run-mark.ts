/** The mark that a lost run leaves in its stack's record, and what takes it away. */
import type { Receipt } from '../contract/change.js';
import type { ErrorCode } from '../contract/error-code.js';
import { isSameRun, needsPerson, type LostRun } from '../contract/lost-run.js';
import type { AttemptRef, AttemptResult } from '../stack/attempt-store.js';
import type { AttemptContext } from './attempt-context.js';

/** Failures after which the state may not have everything that the run made. */
const UNSEEN: readonly ErrorCode[] = ['OutcomeUnknown', 'StateDamaged'];
/** Most entries of each list: the mark travels with every plan. */
const ENTRIES = 50;

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
  if (failure !== undefined && UNSEEN.includes(failure.code)) {
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
