/** `stackOperation`: one operation on one stack, from the module to the receipt. */
import {
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { PlanReady } from '../src/client/types.js';
import type { Failure } from '../src/contract/error-code.js';
import {
  killSchema,
  operationInputSchema,
  type OperationInput,
  type OperationResult,
  type Outcome,
  type RecordedDecision,
} from '../src/contract/operation.js';
import type {
  Executed,
  Mutation,
  PlannedChanges,
  Preparation,
  ResolvedImage,
  RunReference,
} from '../src/operation/types.js';
import { stackWorkflowId } from '../src/temporal/names.js';
import { DEFAULT_APPROVAL, needsApproval } from './approval-rules.js';
import { shortDigest } from './current-details.js';
import { createQuestion, type Question } from './decide.js';
import { applicationFailure, failureOf } from './failures.js';
import * as messages from './messages.js';
import { buildActivities, containerActivities, controlActivities, light } from './policies.js';
import { claimSearchAttributes, createProgress, upsert, type Progress } from './progress.js';
import { validate } from './validate.js';

/** How often a plan is made anew because the state moved, before a person has to look. */
const ROUNDS = 3;

/** What one operation shares between its steps and its message handlers. */
interface Operation {
  readonly input: OperationInput;
  readonly progress: Progress;
  readonly question: Question;
  dockerId?: string;
  /** Set while a container runs: what `kill` is about; a preview's has a key. */
  container?: { readonly key?: string };
  executed?: Executed;
  notices: string[];
  ended: boolean;
  endedWith?: Failure;
}

interface Ending {
  readonly outcome: Outcome;
  readonly other?: RunReference;
}

/** Runs an operation; business outcomes are results, a failed run always means that someone has to look. */
export async function stackOperation(raw: unknown): Promise<OperationResult> {
  const input = parse(raw);
  if (!input.ok) return refuse(raw, input.failure);
  const operation = start(input.value);
  claimSearchAttributes(input.value);
  try {
    const ending = await run(operation);
    return await finish(operation, ending);
  } catch (error) {
    return await fail(operation, error);
  }
}

type Parsed =
  | { readonly ok: true; readonly value: OperationInput }
  | { readonly ok: false; readonly failure: Failure };

function parse(raw: unknown): Parsed {
  try {
    const value = validate(operationInputSchema, raw, 'input');
    const id = stackWorkflowId(value.stackId);
    if (value.operation !== 'preview' && workflowInfo().workflowId !== id) {
      throw applicationFailure({
        code: 'InvalidInput',
        message: `input: a ${value.operation} of stack ${value.stackId} has to run under the workflow id ${id}`,
      });
    }
    return { ok: true, value };
  } catch (error) {
    return { ok: false, failure: failureOf(error, 'input') };
  }
}

/** Fails at once; whoever waits for a plan gets the same failure. */
async function refuse(raw: unknown, failure: Failure): Promise<never> {
  setHandler(messages.waitPlanUpdate, () => {
    throw applicationFailure(failure);
  });
  const given = typeof raw === 'object' && raw !== null ? (raw as Partial<OperationInput>) : {};
  const text = (value: unknown) =>
    typeof value === 'string' ? { value: value.slice(0, 100) } : undefined;
  claimSearchAttributes({});
  upsert({
    stack: text(given.stackId)?.value ?? null,
    phase: 'done',
    outcome: 'failed',
  });
  await condition(allHandlersFinished);
  throw applicationFailure(failure);
}

/** Registers every handler before the first await: messages may have come with the start. */
function start(input: OperationInput): Operation {
  const progress = createProgress(input);
  const question = createQuestion(progress);
  const operation: Operation = { input, progress, question, notices: [], ended: false };
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
    description: 'Wait until the plan can be read: {}',
  });
  setHandler(messages.stateQuery, () => progress.state, { description: 'Where the operation is' });
  setHandler(messages.planQuery, () => progress.plan?.view ?? null, { description: 'The plan' });
  return operation;
}

async function run(operation: Operation): Promise<Ending> {
  const { input, progress } = operation;
  const prepared = await light.prepare.executeWithOptions({ summary: `prepare ${input.stackId}` }, [
    { input, run: thisRun() },
  ]);
  if (prepared.duplicate !== undefined) return { outcome: 'duplicate', other: prepared.duplicate };
  operation.dockerId = prepared.dockerId;
  if (input.operation !== 'preview' && prepared.leftOver !== undefined)
    await settle(operation, prepared);
  const image = prepared.image ?? (await build(operation, prepared));
  progress.usesImage(image);
  const mutation = mutationOf(input);
  if (input.operation === 'preview') {
    const plan = prepared.plan ?? (await preview(operation, prepared, image, mutation, 1));
    progress.usesPlan(plan);
    return {
      outcome:
        needsApproval({ ...DEFAULT_APPROVAL, mode: 'on-changes' }, plan.view).kind ===
        'nothing-to-do'
          ? 'no-changes'
          : 'succeeded',
    };
  }
  return mutate(operation, prepared, image, mutation);
}

/** Plans, asks and carries out; a state that moved in between makes a new plan, at most `ROUNDS` times. */
async function mutate(
  operation: Operation,
  prepared: Preparation,
  image: ResolvedImage,
  mutation: Mutation,
): Promise<Ending> {
  const { progress } = operation;
  let approved: PlannedChanges | undefined;
  for (let round = 1; ; round += 1) {
    const plan =
      round === 1 && prepared.plan !== undefined
        ? prepared.plan
        : await preview(operation, prepared, image, mutation, round);
    progress.usesPlan(plan);
    const ending = await approve(
      operation,
      plan,
      approved,
      round === 1 && prepared.plan !== undefined,
    );
    if (ending !== undefined) return ending;
    approved = plan;
    try {
      operation.executed = await execute(operation, plan, image, mutation);
      if (operation.executed.interrupted) throw interruption(operation.executed);
      return { outcome: 'succeeded' };
    } catch (error) {
      const failure = failureOf(error, 'execute');
      if (failure.code !== 'PlanStale' || round === ROUNDS) throw error;
      operation.notices.push(
        `plan ${shortDigest(plan.view.planDigest)} was stale: ${failure.message}`,
      );
    }
  }
}

/** A cancel ends the run *Canceled*; a kill, or a signal from outside, is a failure to look at. */
function interruption(executed: Executed): Error {
  if (CancellationScope.current().consideredCancelled) return new CancelledFailure('canceled');
  return applicationFailure(
    executed.failure ?? {
      code: 'ModuleFailed',
      message: 'the tool was interrupted before it was through',
    },
  );
}

/** Gets the plan approved; answers an ending when it is not to be carried out. */
async function approve(
  operation: Operation,
  plan: PlannedChanges,
  approved: PlannedChanges | undefined,
  named: boolean,
): Promise<Ending | undefined> {
  const { input, progress, question } = operation;
  const { view } = plan;
  const note = (reason: string, by: string): void => {
    const decision: RecordedDecision = {
      decision: 'auto',
      planDigest: view.planDigest,
      by,
      at: new Date().toISOString(),
      reason,
    };
    progress.set({ decisions: [...progress.state.decisions, decision] });
  };
  if (approved !== undefined && carriesOver(approved, plan)) {
    note(
      `the approval of ${shortDigest(approved.view.planDigest)} stands: only the state moved, the changes are equal`,
      'carry-over',
    );
    return undefined;
  }
  if (named && input.approval === undefined) {
    note('the request names this plan', input.requestedBy ?? 'the requester');
    return undefined;
  }
  const approval = input.approval ?? DEFAULT_APPROVAL;
  const need = needsApproval(approval, view);
  if (need.kind === 'nothing-to-do') return { outcome: 'no-changes' };
  if (need.kind === 'auto') {
    note(need.reason, 'rule');
    return undefined;
  }
  const answer = await question.ask(plan, approval);
  switch (answer.kind) {
    case 'approve':
      return undefined;
    case 'reject':
      return { outcome: 'rejected' };
    case 'expired':
      return { outcome: 'expired' };
    case 'superseded':
      operation.notices.push(`gave way to ${answer.by.by}`);
      return { outcome: 'superseded' };
  }
}

/** An approval stands for a new plan when only the state moved and the changes are the same, all of them known. */
function carriesOver(approved: PlannedChanges, plan: PlannedChanges): boolean {
  return (
    approved.basis === plan.basis &&
    approved.view.changesDigest === plan.view.changesDigest &&
    !approved.view.hasUnknown &&
    !plan.view.hasUnknown
  );
}

async function settle(operation: Operation, prepared: Preparation): Promise<void> {
  const { input } = operation;
  operation.container = {};
  try {
    const settled = await containerActivities(prepared.dockerId, input).settle.executeWithOptions(
      { summary: `settle what ${prepared.leftOver?.operation ?? 'an operation'} left behind` },
      [{ stackId: input.stackId }],
    );
    operation.notices.push(settled.notice);
  } finally {
    delete operation.container;
  }
}

async function build(operation: Operation, prepared: Preparation): Promise<ResolvedImage> {
  const { input, progress } = operation;
  if (prepared.source === undefined) {
    throw applicationFailure({
      code: 'InternalError',
      message: 'neither an image nor a source was resolved',
    });
  }
  const activities = buildActivities(prepared.dockerId);
  progress.enter('build', { module: prepared.module });
  const built = await activities.build.executeWithOptions(
    { summary: line(`build ${prepared.module}`) },
    [{ input, source: prepared.source }],
  );
  operation.notices.push(...built.notices);
  if (!built.push) return built.image;
  progress.enter('push');
  return activities.push.executeWithOptions({ summary: line(`push ${built.image.name}`) }, [
    { image: built.image },
  ]);
}

async function preview(
  operation: Operation,
  prepared: Preparation,
  image: ResolvedImage,
  mutation: Mutation,
  round: number,
): Promise<PlannedChanges> {
  const { input, progress } = operation;
  const key = `${workflowInfo().runId}/${round}`;
  progress.enter('preview', {
    module: prepared.module,
    engine: image.engine,
    image: image.reference,
  });
  operation.container = { key };
  try {
    return await containerActivities(prepared.dockerId, input).preview.executeWithOptions(
      { summary: line(`preview ${mutation} ${input.stackId}`) },
      [
        {
          input,
          operation: mutation,
          image,
          containerKey: key,
          lock: input.operation !== 'preview',
          ...(prepared.plan === undefined ? {} : { basedOn: prepared.plan.view.planDigest }),
        },
      ],
    );
  } finally {
    delete operation.container;
  }
}

async function execute(
  operation: Operation,
  plan: PlannedChanges,
  image: ResolvedImage,
  mutation: Mutation,
): Promise<Executed> {
  const { input, progress, dockerId = '' } = operation;
  const { limits, credentials, options, requestedBy, reason } = input;
  progress.enter('apply', { plan: plan.view.planDigest });
  operation.container = {};
  try {
    return await containerActivities(dockerId, input).execute.executeWithOptions(
      { summary: line(`${mutation} ${input.stackId} ${shortDigest(plan.view.planDigest)}`) },
      [
        {
          stackId: input.stackId,
          operation: mutation,
          planDigest: plan.view.planDigest,
          image,
          input: defined({ limits, credentials, options, requestedBy, reason }),
          decisions: progress.state.decisions,
        },
      ],
    );
  } finally {
    delete operation.container;
  }
}

function checkKill(operation: Operation, raw: unknown): void {
  validate(killSchema, raw, 'kill');
  if (operation.container === undefined) {
    throw applicationFailure({
      code: 'InvalidInput',
      message: `nothing to kill: the operation is in phase ${operation.progress.state.phase}`,
    });
  }
}

async function kill(operation: Operation, raw: unknown): Promise<{ message: string }> {
  const { reason, by } = validate(killSchema, raw, 'kill');
  const { dockerId = '', container, input } = operation;
  operation.notices.push(`killed${by === undefined ? '' : ` by ${by}`}: ${reason}`);
  try {
    return await controlActivities(dockerId).kill.executeWithOptions(
      { summary: line(`kill: ${reason}`) },
      [
        {
          stackId: input.stackId,
          reason,
          ...(container?.key === undefined ? {} : { containerKey: container.key }),
        },
      ],
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

async function finish(operation: Operation, ending: Ending): Promise<OperationResult> {
  const { input, progress } = operation;
  if (
    input.operation !== 'preview' &&
    ending.outcome !== 'succeeded' &&
    ending.outcome !== 'duplicate'
  ) {
    await record(operation, ending.outcome);
  }
  await end(operation, ending.outcome, ending.outcome);
  return result(operation, ending, progress.state.outcome ?? ending.outcome);
}

/** Ends a run that did not get through: *Canceled* with what was done, or *Failed* with the reason. */
async function fail(operation: Operation, error: unknown): Promise<never> {
  const canceled = isCancellation(error);
  const failure = failureOf(
    error,
    operation.progress.state.phase === 'apply' ? 'execute' : operation.progress.state.phase,
  );
  const outcome = canceled ? 'canceled' : 'failed';
  return CancellationScope.nonCancellable(async () => {
    if (operation.input.operation !== 'preview' && operation.progress.state.phase !== 'apply') {
      await record(operation, outcome);
    }
    operation.endedWith = failure;
    await end(operation, outcome);
    if (!canceled) throw applicationFailure(failure);
    throw new CancelledFailure('canceled', [result(operation, {}, undefined)]);
  });
}

async function record(operation: Operation, outcome: string): Promise<void> {
  const { input, progress } = operation;
  const { planDigest, decisions } = progress.state;
  const { stackId, requestedBy } = input;
  await light.record
    .executeWithOptions({ summary: `record ${outcome}` }, [
      {
        ...defined({ planDigest, requestedBy }),
        stackId,
        operation: input.operation,
        outcome,
        decisions,
      },
    ])
    .catch((error: unknown) => {
      operation.notices.push(
        `not written to the stack's record: ${failureOf(error, 'record').message}`,
      );
    });
}

async function end(operation: Operation, label: string, outcome?: Outcome): Promise<void> {
  const { progress } = operation;
  if (outcome !== undefined) progress.set({ outcome });
  progress.enter('done', { outcome: label });
  operation.ended = true;
  await condition(allHandlersFinished);
}

function result(
  operation: Operation,
  ending: Partial<Ending>,
  outcome: Outcome | undefined,
): OperationResult {
  const { input, progress, executed, notices } = operation;
  const { image, planDigest, decisions } = progress.state;
  const view = progress.plan?.view;
  return defined({
    outcome: outcome as Outcome,
    stackId: input.stackId,
    operation: input.operation,
    image,
    planDigest,
    summary: view?.summary,
    hasDrift: view === undefined ? undefined : view.drift.length > 0,
    receipt: executed?.receipt,
    outputs: executed?.outputs,
    decisions,
    other: ending.other,
    notices: [...notices, ...(executed?.notices ?? [])],
    failure: executed?.failure,
    timings: progress.timings(),
  });
}

function mutationOf(input: OperationInput): Mutation {
  return input.operation === 'preview' ? (input.previewOf ?? 'apply') : input.operation;
}

function thisRun(): RunReference {
  const { workflowId, runId } = workflowInfo();
  return { workflowId, runId };
}

/** One line that the server takes as a summary. */
function line(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 120);
}

function defined<T extends object>(value: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined),
  ) as never;
}
