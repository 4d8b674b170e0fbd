/** Whether a plan needs a person, by the operation's approval mode and rules. */
import type * as z from 'zod';
import { hasChanges, summarize, type ChangeSummary } from '../src/contract/change.js';
import type { approvalSchema, PlanView } from '../src/contract/operation.js';
import { decideApproval } from '../src/plan/approval.js';

export type Approval = z.infer<typeof approvalSchema>;

/** What an absent `approval` means. */
export const DEFAULT_APPROVAL: Approval = { mode: 'required', expiresIn: '24h' };

export type Need =
  | { readonly kind: 'ask' }
  /** Nothing to do, and the mode says that nothing is asked then. */
  | { readonly kind: 'nothing-to-do' }
  | { readonly kind: 'auto'; readonly reason: string };

/** True when carrying out the plan would do something. */
export function planHasChanges(view: PlanView): boolean {
  return hasChanges(work(view));
}

/** Decides by mode, then by the first rule that covers every class of change in the plan. */
export function needsApproval(approval: Approval, view: PlanView): Need {
  if (approval.mode !== 'required' && !planHasChanges(view)) return { kind: 'nothing-to-do' };
  const { decision, reason } = decideApproval(approval, work(view));
  return decision === 'auto' ? { kind: 'auto', reason } : { kind: 'ask' };
}

/** True when something changed outside since the state was written. */
export function planHasDrift(view: PlanView): boolean {
  return view.drift.length > 0 || hasChanges(view.driftSummary ?? summarize([], 0));
}

/** What there is to do; for a refresh that is writing drift into the state. */
function work(view: PlanView): ChangeSummary {
  if (view.operation !== 'refresh') return view.summary;
  const drift = view.driftSummary ?? summarize(view.drift, 0);
  const counts = Object.keys(drift) as (keyof ChangeSummary)[];
  return Object.fromEntries(
    counts.map((name) => [name, view.summary[name] + drift[name]]),
  ) as ChangeSummary;
}
