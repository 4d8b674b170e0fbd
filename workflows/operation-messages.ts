/** Handlers of an operation's updates and queries. */
import { condition, setHandler } from '@temporalio/workflow';
import { killSchema, waitPlanSchema, type PlanReady } from '../src/contract/operation.js';
import { applicationFailure, failureOf } from './failures.js';
import * as messages from './messages.js';
import { defined, summaryLine, type Operation } from './operation.js';
import { controlActivities } from './policies.js';
import { validate } from './validate.js';

/** Registers all of them; before the first await, because messages may have come with the start. */
export function handleMessages(operation: Operation): void {
  const { progress, question } = operation;
  setHandler(messages.decideUpdate, (raw) => question.decide(raw), {
    validator: (raw) => question.checkDecision(raw),
    description: 'Approve or reject the plan: {decision, planDigest, by, comment?}',
  });
  setHandler(messages.killUpdate, (raw) => kill(operation, raw), {
    validator: (raw) => checkKill(operation, raw),
    description: 'Kill the running container now: {reason, by?}. May cost state; cancel first.',
  });
  setHandler(messages.supersedeUpdate, (raw) => question.supersede(raw), {
    validator: (raw) => question.checkSupersede(raw),
    description: 'End an operation that waits for approval: {by, reason?}',
  });
  setHandler(messages.waitPlanUpdate, () => waitPlan(operation), {
    validator: (raw) => void validate(waitPlanSchema, raw ?? {}, 'waitPlan'),
    description: 'Wait until the plan can be read: {}',
  });
  setHandler(messages.stateQuery, () => progress.state, { description: 'Where the operation is' });
  setHandler(messages.planQuery, () => progress.plan?.view ?? null, { description: 'The plan' });
}

function checkKill({ container, progress }: Operation, raw: unknown): void {
  validate(killSchema, raw, 'kill');
  if (container !== undefined) return;
  throw applicationFailure({
    code: 'InvalidInput',
    message: `nothing to kill: no container runs in phase ${progress.state.phase}`,
  });
}

async function kill(operation: Operation, raw: unknown): Promise<{ message: string }> {
  const { reason, by } = validate(killSchema, raw, 'kill');
  const { dockerId = '', container, input } = operation;
  const notice = `killed${by === undefined ? '' : ` by ${by}`}: ${reason}`;
  operation.notices.push(notice);
  // First: a preview that lost its container runs again unless nobody wants it any more.
  if (container?.key !== undefined) container.giveUp(`the preview was ${notice}`);
  try {
    return await controlActivities(dockerId).kill.executeWithOptions(
      { summary: summaryLine(`kill: ${reason}`) },
      [defined({ stackId: input.stackId, reason, containerKey: container?.key })],
    );
  } catch (error) {
    throw applicationFailure(failureOf(error, 'kill'));
  }
}

async function waitPlan(operation: Operation): Promise<PlanReady> {
  const { progress } = operation;
  await condition(() => operation.ended || progress.state.phase === 'awaiting-approval');
  if (operation.endedWith !== undefined) throw applicationFailure(operation.endedWith);
  const { phase, planDigest, decideUntil, outcome } = progress.state;
  return defined({ phase, planDigest, decideUntil, outcome, summary: progress.plan?.view.summary });
}
