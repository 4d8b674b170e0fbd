/** One operation of the demo: started, shown, answered, awaited. */
import type { StartedOperation } from '../../src/client/index.js';
import type { OperationInput, OperationResult, PlanView } from '../../src/contract/operation.js';
import { isAbort } from '../../src/errors.js';
import { askForDecision } from '../ask-for-decision.js';
import type { CommandContext } from '../command-context.js';
import { followPhases } from '../follow-phases.js';
import { renderPlan } from '../render/plan.js';
import { renderResult } from '../render/result.js';
import { shortDigest } from '../short-digest.js';
import { whoTypes } from '../with-client.js';
import type { DemoSystem } from './local-system.js';

export interface DemoOperation {
  readonly started: StartedOperation;
  readonly plan: PlanView | undefined;
  readonly result: OperationResult;
}

/** Runs one operation; without a person at the terminal (or with `yes`) it approves and says so. */
export async function runDemoOperation(
  { client }: DemoSystem,
  input: OperationInput,
  yes: boolean,
  context: CommandContext,
): Promise<DemoOperation> {
  const { terminal, signal } = context;
  const started = await client.start(input);
  const phases = followPhases(client, started, context);
  try {
    const ready = await client.waitPlan(started, { signal });
    await phases.refresh();
    const plan = ready.planDigest === undefined ? undefined : await client.plan(started);
    if (plan !== undefined) terminal.print('', ...renderPlan(plan, terminal.style), '');
    if (plan !== undefined && ready.phase === 'awaiting-approval') {
      const answer = await decision(plan, yes, context);
      await client[answer](started, { planDigest: plan.planDigest, by: whoTypes() });
    }
    const result = await client.result(started, { signal });
    await phases.stop();
    terminal.print(...renderResult(result, terminal.style));
    return { started, plan, result };
  } catch (error) {
    await phases.stop(isAbort(error) || signal.aborted ? 'stopped' : 'failed');
    throw error;
  }
}

async function decision(
  plan: PlanView,
  yes: boolean,
  context: CommandContext,
): Promise<'approve' | 'reject'> {
  const { terminal } = context;
  if (terminal.interactive && !yes) {
    // Nobody else could answer later: the demo takes its Temporal server with it.
    return askForDecision(plan, ['approve', 'reject'], context);
  }
  terminal.print(
    `The demo approves plan ${terminal.style.bold(shortDigest(plan.planDigest))} by itself (${yes ? '--yes' : 'no terminal to ask on'}).`,
  );
  return 'approve';
}
