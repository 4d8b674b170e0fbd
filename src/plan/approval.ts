/** Whether a plan needs a person's approval. */
import type * as z from 'zod';
import { hasChanges, type ChangeSummary } from '../contract/change.js';
import type { approvalRuleSchema, approvalSchema } from '../contract/operation.js';

type Approval = Pick<z.output<typeof approvalSchema>, 'mode' | 'rules'>;
type ChangeClass = z.infer<typeof approvalRuleSchema>['only'][number];

/** `auto` stands without a person; `reason` is recorded with it. */
export interface ApprovalNeed {
  readonly decision: 'ask' | 'auto';
  readonly reason: string;
}

/**
 * Decides by mode, then by the first rule whose classes cover every change of the plan; no match asks.
 * Reads change nothing and are not counted.
 */
export function decideApproval(approval: Approval, summary: ChangeSummary): ApprovalNeed {
  if (approval.mode === 'auto')
    return { decision: 'auto', reason: 'the operation asked for no approval' };
  if (approval.mode === 'on-changes' && !hasChanges(summary)) {
    return { decision: 'auto', reason: 'there is nothing to do' };
  }
  const classes = changeClasses(summary);
  const rule = approval.rules?.find(({ only }) => classes.every((found) => only.includes(found)));
  if (!rule) {
    return {
      decision: 'ask',
      reason: approval.rules?.length
        ? `no rule covers ${list(classes)}`
        : 'an approval is required',
    };
  }
  return {
    decision: rule.then === 'auto' ? 'auto' : 'ask',
    reason: rule.reason ?? `a rule covers plans with only ${list(rule.only)}`,
  };
}

function changeClasses(summary: ChangeSummary): ChangeClass[] {
  const { read: _read, ...counted } = summary;
  return (Object.keys(counted) as (keyof typeof counted)[]).filter((name) => counted[name] > 0);
}

function list(classes: readonly string[]): string {
  return classes.length === 0 ? 'nothing to do' : classes.join(', ');
}
