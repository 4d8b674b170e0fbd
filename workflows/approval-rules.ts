/** Whether a plan needs a person, by the operation's approval mode and rules. */
import type * as z from 'zod';
import { hasChanges, type ChangeSummary } from '../src/contract/change.js';
import type { approvalSchema, PlanView } from '../src/contract/operation.js';

export type Approval = z.infer<typeof approvalSchema>;

/** What an absent `approval` means. */
export const DEFAULT_APPROVAL: Approval = { mode: 'required', expiresIn: '24h' };

export type Need =
  | { readonly kind: 'ask' }
  /** Nothing to do, and the mode says that nothing is asked then. */
  | { readonly kind: 'nothing-to-do' }
  | { readonly kind: 'auto'; readonly reason: string };

/** True when carrying out the plan would do something; for a refresh that is writing drift into the state. */
export function planHasChanges(view: PlanView): boolean {
  return hasChanges(view.summary) || (view.operation === 'refresh' && view.drift.length > 0);
}

/** Decides by mode, then by the first rule that covers every class of change in the plan. */
export function needsApproval(approval: Approval, view: PlanView): Need {
  const anything = planHasChanges(view);
  if (!anything && approval.mode !== 'required') return { kind: 'nothing-to-do' };
  if (approval.mode === 'auto') return { kind: 'auto', reason: 'approval mode auto' };
  const classes = changeClasses(view);
  const rule = (approval.rules ?? []).find(({ only }) =>
    classes.every((name) => (only as readonly string[]).includes(name)),
  );
  if (anything && rule?.then === 'auto') {
    return { kind: 'auto', reason: rule.reason ?? `rule: only ${rule.only.join(', ')}` };
  }
  return { kind: 'ask' };
}

function changeClasses(view: PlanView): string[] {
  const counted = (Object.keys(view.summary) as (keyof ChangeSummary)[]).filter(
    (name) => name !== 'read' && view.summary[name] > 0,
  );
  const drifted = view.operation === 'refresh' ? view.drift.map(({ action }) => action) : [];
  return [...new Set([...counted, ...drifted])];
}
