/** The question of an operation: which plan waits, who may answer it how, and what was answered. */
import { condition } from '@temporalio/workflow';
import { milliseconds } from '../src/contract/duration.js';
import {
  decisionSchema,
  supersedeSchema,
  type Decision,
  type DecisionResult,
  type Supersede,
} from '../src/contract/operation.js';
import type { PlannedChanges } from '../src/operation/types.js';
import type { Approval } from './approval-rules.js';
import { shortDigest } from './current-details.js';
import { applicationFailure } from './failures.js';
import { planAttributes, type Progress } from './progress.js';
import { validate } from './validate.js';

export type Answer =
  | { readonly kind: 'approve' | 'reject'; readonly decision: Decision }
  | { readonly kind: 'superseded'; readonly by: Supersede }
  | { readonly kind: 'expired' };

/** Called when the question stands, and when its end comes near. */
export interface Told {
  asked(): Promise<void>;
  remind(): Promise<void>;
}

/** Takes answers from the updates and gives them to the operation that asks. */
export interface Question {
  /** Validator of `decide`: throws why the answer can't count. */
  checkDecision(raw: unknown): void;
  decide(raw: unknown): DecisionResult;
  checkSupersede(raw: unknown): void;
  supersede(raw: unknown): { message: string };
  /** Asks for a decision about the plan and waits; throws `CancelledFailure` on cancel. */
  ask(plan: PlannedChanges, approval: Approval, told: Told): Promise<Answer>;
}

/** Creates the question of one operation. */
export function createQuestion(progress: Progress): Question {
  let open: PlannedChanges | undefined;
  let answer: Answer | undefined;

  const refuse = (message: string): never => {
    throw applicationFailure({ code: 'InvalidInput', message });
  };
  const checkOpen = (what: string): PlannedChanges => {
    if (answer !== undefined) return refuse(`already answered: ${answer.kind}`);
    if (open === undefined) {
      return refuse(`nothing to ${what}: the operation is in phase ${progress.state.phase}`);
    }
    return open;
  };

  return {
    checkDecision(raw) {
      const decision = validate(decisionSchema, raw, 'decide');
      const { planDigest } = checkOpen('decide').view;
      const named = decision.planDigest.replace(/^sha256:/, '');
      if (!planDigest.replace(/^sha256:/, '').startsWith(named)) {
        refuse(
          `the plan under review is ${shortDigest(planDigest)}, not ${shortDigest(named)}: read it again`,
        );
      }
    },
    decide(raw) {
      const decision = validate(decisionSchema, raw, 'decide');
      const { planDigest } = checkOpen('decide').view;
      answer = { kind: decision.decision, decision };
      progress.set({
        decisions: [
          ...progress.state.decisions,
          {
            decision: decision.decision,
            planDigest,
            by: decision.by,
            at: new Date().toISOString(),
            ...(decision.comment === undefined ? {} : { comment: decision.comment }),
          },
        ],
      });
      const have = decision.decision === 'approve' ? 1 : 0;
      return { decision: decision.decision, planDigest, approvals: { have, need: 1 } };
    },
    checkSupersede(raw) {
      validate(supersedeSchema, raw, 'supersede');
      checkOpen('supersede');
    },
    supersede(raw) {
      const by = validate(supersedeSchema, raw, 'supersede');
      checkOpen('supersede');
      answer = { kind: 'superseded', by };
      return { message: `gives way to ${by.by}` };
    },
    async ask(plan, approval, told) {
      answer = undefined;
      open = plan;
      const now = Date.now();
      const end = Math.min(now + milliseconds(approval.expiresIn), Date.parse(plan.view.expiresAt));
      progress.set({
        decideUntil: new Date(end).toISOString(),
        approvals: { have: 0, need: 1 },
      });
      progress.enter('awaiting-approval', planAttributes(plan.view));
      await told.asked();
      const answered = (): boolean => answer !== undefined;
      const window = (until: number, summary: string): Promise<boolean> =>
        condition(answered, Math.max(1, until - Date.now()), { summary });
      try {
        const remind =
          approval.remindAfter === undefined ? 0 : end - milliseconds(approval.remindAfter);
        if (remind > now && !(await window(remind, 'until the reminder'))) {
          await told.remind();
        }
        if (!answered()) await window(end, `approval of ${shortDigest(plan.view.planDigest)}`);
        return answer ?? { kind: 'expired' };
      } finally {
        open = undefined;
      }
    },
  };
}
