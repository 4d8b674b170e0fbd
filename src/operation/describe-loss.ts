/** The failure of a run that gave no answer: what happened, what is known, what to do. */
import type { Receipt } from '../contract/change.js';
import type { Failure } from '../contract/error-code.js';
import type { LostRunVerdict } from '../plan/lost-run.js';

/** Resources that the one line names; the detail has all. */
const NAMED = 3;

export interface LossCircumstances {
  readonly stackId: string;
  readonly operation: string;
  readonly cause?: string;
  readonly stateSaved: boolean;
  /** The state is in a backend, which the tool wrote itself. */
  readonly stateElsewhere: boolean;
  /** What to do about a state that is missing there. */
  readonly unwritten?: string;
  readonly detail: NonNullable<Failure['detail']>;
}

/** `ContainerLost` when all that was done is known, else `OutcomeUnknown`. */
export function describeLoss(
  verdict: Exclude<LostRunVerdict, { kind: 'answered' }>,
  { stackId, operation, cause, stateSaved, stateElsewhere, unwritten, detail }: LossCircumstances,
): Failure {
  const what = `the ${operation} of stack ${stackId}`;
  const why = cause ?? 'its container is gone';
  switch (verdict.kind) {
    case 'not-done':
      return {
        code: 'ContainerLost',
        message: `${what} was lost before it changed anything (${why}); nothing was done: start it again`,
        detail,
      };
    case 'known':
      return {
        code: 'ContainerLost',
        message: `${what} was lost after the tool had ended (${why}): ${counts(verdict.receipt)}, and the state has it; only the answer is missing: start it again`,
        detail: { ...detail, receipt: verdict.receipt },
      };
    case 'unknown': {
      const { receipt, open, untracked } = verdict;
      const state = stateElsewhere
        ? (unwritten ?? 'its state is in the backend, where its lock may still be held')
        : stateSaved
          ? 'the state it left was saved'
          : 'no state could be saved';
      const known = [
        counts(receipt),
        ...(open.length === 0
          ? []
          : [`under way: ${names(open.map(({ resource }) => resource))}, there or not`]),
        ...(untracked.length === 0 ? [] : [`made but not in the state: ${names(untracked)}`]),
      ];
      return {
        code: 'OutcomeUnknown',
        message: `${what} was lost while it ran (${why}); ${known.join('; ')}; ${state}; look at what is there, then: cldctl-iac resume ${stackId}`,
        detail: { ...detail, receipt, open: [...open], untracked: [...untracked] },
      };
    }
  }
}

function counts({
  done,
  failed,
  not_reached: notReached,
  unapproved,
  unknown = 0,
}: Receipt): string {
  const parts = [
    `${done} done`,
    ...(failed > 0 ? [`${failed} not finished`] : []),
    ...(notReached > 0 ? [`${notReached} not reached`] : []),
    ...(unapproved > 0 ? [`${unapproved} not approved`] : []),
    ...(unknown > 0 ? [`no sign of ${unknown} more`] : []),
  ];
  return parts.join(', ');
}

function names(resources: readonly string[]): string {
  const left = resources.length - NAMED;
  return `${resources.slice(0, NAMED).join(', ')}${left > 0 ? ` and ${left} more` : ''}`;
}
