/** Gets a plan approved: by an earlier approval, by the request, by a rule, or by a person. */
import { isSameRun, needsPerson } from '../src/contract/lost-run.js';
import type { Outcome } from '../src/contract/operation.js';
import type { PlannedChanges } from '../src/operation/types.js';
import { approvalCarriesOver, type ApprovalBasis } from '../src/plan/carry-over.js';
import { DEFAULT_APPROVAL, needsApproval } from './approval-rules.js';
import { shortDigest } from './current-details.js';
import { notify } from './notify.js';
import type { Operation } from './operation.js';

/** What there is before anybody is asked. */
export interface Approved {
  /** The plan of an earlier round of this operation that was approved. */
  readonly earlier: PlannedChanges | undefined;
  /** The request itself names this plan. */
  readonly named: boolean;
}

/** Answers the outcome when the plan is not to be carried out, else nothing. */
export async function approvePlan(
  operation: Operation,
  plan: PlannedChanges,
  approved: Approved,
): Promise<Outcome | undefined> {
  const { input, question, notices } = operation;
  const { earlier, named } = approved;
  const { lostRun } = plan.view;
  // What a lost run made may be in no state: nothing but a person's word on this very plan lets it be made again.
  const asks = needsPerson(plan.view.operation, lostRun);
  if (earlier !== undefined && (!asks || isSameRun(lostRun, operation.knownLoss))) {
    const { carries, why } = approvalCarriesOver(basisOf(earlier), basisOf(plan));
    if (carries) {
      const digest = shortDigest(earlier.view.planDigest);
      record(operation, plan, 'carry-over', `approval of ${digest} stands: ${why}`);
      return undefined;
    }
  }
  if (named && input.approval === undefined && !asks) {
    record(operation, plan, input.requestedBy ?? 'the requester', 'the request names this plan');
    return undefined;
  }
  const approval = input.approval ?? DEFAULT_APPROVAL;
  const need = needsApproval(approval, plan.view);
  if (need.kind === 'nothing-to-do') return 'no-changes';
  if (need.kind === 'auto' && !asks) {
    record(operation, plan, 'rule', need.reason);
    return undefined;
  }
  if (asks) notices.push(`a person is asked because a run was lost: ${lostRun.message}`);
  const about = shortDigest(plan.view.planDigest);
  const answer = await question.ask(plan, approval, {
    asked: () => notify(operation, 'approval.waiting', {}, about),
    remind: () => notify(operation, 'approval.reminder', {}, about),
  });
  switch (answer.kind) {
    case 'approve':
      if (asks) operation.knownLoss = { planDigest: lostRun.planDigest, attempt: lostRun.attempt };
      return undefined;
    case 'reject':
      return 'rejected';
    case 'expired':
      return 'expired';
    case 'superseded':
      notices.push(`gave way to ${answer.by.by}`);
      return 'superseded';
  }
}

function basisOf({ view, basis }: PlannedChanges): ApprovalBasis {
  return { ...view, basis };
}

function record(
  { progress }: Operation,
  { view }: PlannedChanges,
  by: string,
  reason: string,
): void {
  const at = new Date().toISOString();
  progress.set({
    decisions: [
      ...progress.state.decisions,
      { decision: 'auto', planDigest: view.planDigest, by, at, reason },
    ],
  });
}
