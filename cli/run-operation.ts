/** Starts an operation and stays with it: phases, plan, decision, result. */
import type { IacClient, StartedOperation } from '../src/client/index.js';
import type { OperationInput, OperationResult, PlanView } from '../src/contract/operation.js';
import { hasChanges } from '../src/contract/change.js';
import { CodedError, isAbort } from '../src/errors.js';
import { askForDecision } from './ask-for-decision.js';
import type { CommandContext } from './command-context.js';
import { EXIT_CODE, exitCodeOfOutcome, type ExitCode } from './exit-code.js';
import { followPhases } from './follow-phases.js';
import { showLog } from './show-log.js';
import { renderPlan } from './render/plan.js';
import { renderResult } from './render/result.js';
import { shortDigest } from './short-digest.js';
import { whoTypes, withClient } from './with-client.js';

export interface RunOperationOptions {
  readonly until: 'started' | 'plan' | 'end';
  /** Exit with 10 when the plan has changes. */
  readonly detailedExitCode?: boolean;
  /** Who answers the question; default: the person at the terminal, or whoever approves from elsewhere. */
  readonly decide?: (plan: PlanView) => Promise<'approve' | 'reject' | 'later'>;
}

/** Runs one operation for a command; returns its exit code. Ctrl-C stops watching, never the operation. */
export async function runOperation(
  input: OperationInput,
  options: RunOperationOptions,
  context: CommandContext,
): Promise<ExitCode> {
  return withClient(context, async (client) => {
    const started = await client.start(input);
    const { terminal } = context;
    if (started.attached)
      terminal.note(`request ${input.requestId ?? ''} is under way already: watching it`);
    if (options.until === 'started') {
      terminal.print(`started ${started.workflowId} (run ${started.runId})`, ...link(started));
      terminal.document(started);
      return EXIT_CODE.done;
    }
    try {
      return await watch(client, started, options, context);
    } catch (error) {
      if (context.signal.aborted || isAbort(error)) {
        terminal.progress.stop();
        terminal.note(
          `stopped watching; the operation goes on: cldctl-iac status ${input.stackId}, cldctl-iac cancel ${input.stackId}`,
        );
      }
      throw error;
    }
  });
}

async function watch(
  client: IacClient,
  started: StartedOperation,
  options: RunOperationOptions,
  context: CommandContext,
): Promise<ExitCode> {
  const { terminal, signal } = context;
  const phases = followPhases(client, started, context);
  const log = showLog(client, started, context);
  let plan: PlanView | undefined;
  let result: OperationResult;
  try {
    const ready = await client.waitPlan(started, { signal });
    await phases.refresh();
    const waits = ready.phase === 'awaiting-approval';
    if (ready.planDigest !== undefined) plan = await showPlan(client, started, context);
    if (options.until === 'plan') {
      await phases.stop();
      if (waits && plan !== undefined) tellHow(plan, started, context);
      terminal.document({ ...started, ready, plan: plan ?? null });
      return EXIT_CODE.done;
    }
    // A state that moves makes a new plan, and that a new question.
    for (let open = waits ? plan : undefined; open !== undefined;) {
      if ((await decide(client, started, open, options, context)) === 'later') break;
      const asked = open.planDigest;
      open = (await asksAgain(client, started, asked, context))
        ? (plan = await showPlan(client, started, context))
        : undefined;
    }
    result = await client.result(started, { signal });
    await log.end();
    await phases.stop();
  } catch (error) {
    const isStopped = isAbort(error) || signal.aborted;
    if (!isStopped) await log.end();
    await phases.stop(isStopped ? 'stopped' : 'failed');
    throw error;
  } finally {
    log.stop();
  }
  terminal.print(...renderResult(result, terminal.style), ...link(started));
  terminal.document({ ...started, plan: plan ?? null, result });
  if (
    options.detailedExitCode === true &&
    result.summary !== undefined &&
    hasChanges(result.summary)
  )
    return EXIT_CODE.changes;
  return exitCodeOfOutcome(result.outcome);
}

async function showPlan(
  client: IacClient,
  started: StartedOperation,
  { terminal }: CommandContext,
): Promise<PlanView | undefined> {
  const plan = await client.plan(started);
  if (plan !== undefined)
    terminal.print('', ...renderPlan(plan, terminal.style), '', planLine(plan));
  return plan;
}

async function decide(
  client: IacClient,
  started: StartedOperation,
  plan: PlanView,
  options: RunOperationOptions,
  context: CommandContext,
): Promise<'approve' | 'reject' | 'later'> {
  const { terminal, signal } = context;
  const ask =
    options.decide ??
    (terminal.interactive
      ? (of: PlanView) => askForDecision(of, ['approve', 'reject', 'later'], context)
      : undefined);
  const decision = ask === undefined ? 'later' : await ask(plan);
  if (decision === 'later') {
    tellHow(plan, started, context);
    return decision;
  }
  signal.throwIfAborted();
  try {
    await client[decision](started, { planDigest: plan.planDigest, by: whoTypes() });
  } catch (error) {
    // Someone else was faster: their decision stands, and the result tells it.
    if (!(error instanceof CodedError)) throw error;
    terminal.note(`not recorded: ${error.message}`);
  }
  return decision;
}

/** Waits for the end, or for a question about another plan than `asked`; true for the latter. */
async function asksAgain(
  client: IacClient,
  started: StartedOperation,
  asked: string,
  { signal }: CommandContext,
): Promise<boolean> {
  const ended = new AbortController();
  const watched = AbortSignal.any([signal, ended.signal]);
  const question = (async () => {
    try {
      for await (const state of client.follow(started, { signal: watched, interval: 300 }))
        if (state.phase === 'awaiting-approval' && state.planDigest !== asked) return true;
    } catch {
      // Without a worker there is no new question; the end is waited for all the same.
    }
    return new Promise<never>(() => {});
  })();
  try {
    const end = client.result(started, { signal: watched }).then(() => false);
    return await Promise.race([question, end]);
  } finally {
    ended.abort();
  }
}

function tellHow(plan: PlanView, started: StartedOperation, { terminal }: CommandContext): void {
  const { stackId, planDigest } = plan;
  terminal.note(
    `waiting for a decision; approve with: cldctl-iac approve ${stackId} --plan ${shortDigest(planDigest)}`,
  );
  for (const line of link(started)) terminal.note(line);
}

function planLine(plan: PlanView): string {
  return `Plan ${plan.planDigest} of ${plan.operation} ${plan.stackId} (${plan.engine} ${plan.toolVersion})`;
}

function link(started: StartedOperation): string[] {
  return started.uiUrl === undefined ? [] : [`Temporal UI: ${started.uiUrl}`];
}
