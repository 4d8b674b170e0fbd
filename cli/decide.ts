/** Approval and rejection from the command line: always of one plan that a digest names. */
import type { Command } from 'commander';
import type { IacClient } from '../src/client/index.js';
import type { PlanView } from '../src/contract/operation.js';
import { CodedError } from '../src/errors.js';
import { askForDecision } from './ask-for-decision.js';
import type { CommandContext } from './command-context.js';
import { EXIT_CODE, exitCodeOfOutcome, type ExitCode } from './exit-code.js';
import { renderPlan } from './render/plan.js';
import { renderResult } from './render/result.js';
import { shortDigest } from './short-digest.js';
import { whoTypes, withClient } from './with-client.js';

export interface DecideFlags {
  plan?: string;
  comment?: string;
  by?: string;
  token?: string;
  wait?: boolean;
}

/** Adds the flags of `approve` and `reject`. */
export function addDecideFlags(command: Command): Command {
  return command
    .option('--plan <digest>', 'the plan that is meant: whole digest, or its first 16 hex digits')
    .option('--comment <text>', 'why, for the record')
    .option('--by <name>', 'who decides (default: user@host)')
    .option('--token <token>', 'proof of identity, where approvers have one')
    .option('--wait', 'stay until the operation ends');
}

/** Decides about the plan that waits; without `--plan` a terminal shows it and asks. */
export async function decide(
  decision: 'approve' | 'reject',
  stackId: string,
  flags: DecideFlags,
  context: CommandContext,
): Promise<ExitCode> {
  const { terminal, signal } = context;
  return withClient(context, async (client) => {
    const { workflowId, runId } = await client.describe(stackId);
    const target = { workflowId, runId };
    const chosen =
      flags.plan === undefined
        ? await choose(client, target, decision, stackId, context)
        : { decision, planDigest: flags.plan };
    if (chosen === undefined) {
      terminal.print('left waiting');
      return EXIT_CODE.done;
    }
    const answer = await client[chosen.decision](target, {
      planDigest: chosen.planDigest,
      by: flags.by ?? whoTypes(),
      ...(flags.comment === undefined ? {} : { comment: flags.comment }),
      ...(flags.token === undefined ? {} : { token: flags.token }),
    });
    const { have, need } = answer.approvals;
    const done = answer.decision === 'approve' ? 'approved' : 'rejected';
    const count = need > 1 ? ` (${have} of ${need} approvals)` : '';
    terminal.print(`${done} plan ${answer.planDigest} of ${stackId}${count}`);
    if (flags.wait !== true) {
      terminal.document({ stackId, ...target, ...answer });
      return EXIT_CODE.done;
    }
    terminal.progress.start('wait', `waiting for ${stackId}`);
    const result = await client.result(target, { signal });
    terminal.progress.end('wait', 'done');
    terminal.print(...renderResult(result, terminal.style));
    terminal.document({ stackId, ...target, ...answer, result });
    return exitCodeOfOutcome(result.outcome);
  });
}

async function choose(
  client: IacClient,
  target: { workflowId: string; runId: string },
  decision: 'approve' | 'reject',
  stackId: string,
  context: CommandContext,
): Promise<{ decision: 'approve' | 'reject'; planDigest: string } | undefined> {
  const { terminal } = context;
  const plan = await waitingPlan(client, target, stackId);
  if (!terminal.interactive)
    throw new CodedError(
      'InvalidInput',
      `which plan? ${stackId} waits with ${shortDigest(plan.planDigest)}: read it with "cldctl-iac plan show ${stackId}", then ${decision} with --plan ${shortDigest(plan.planDigest)}`,
    );
  terminal.print(...renderPlan(plan, terminal.style), '', `Plan ${plan.planDigest}`);
  const answer = await askForDecision(plan, ['approve', 'reject', 'later'], context);
  return answer === 'later' ? undefined : { decision: answer, planDigest: plan.planDigest };
}

async function waitingPlan(
  client: IacClient,
  target: { workflowId: string; runId: string },
  stackId: string,
): Promise<PlanView> {
  const state = await client.state(target);
  const plan = state.phase === 'awaiting-approval' ? await client.plan(target) : undefined;
  if (plan === undefined)
    throw new CodedError(
      'PlanNotFound',
      `no plan of ${stackId} waits for a decision (phase ${state.phase}); start one with: cldctl-iac apply ${stackId}`,
    );
  return plan;
}
