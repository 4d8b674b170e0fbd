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
import { receiptSchema } from '../src/contract/change.js';
import { isRetryable, type Failure } from '../src/contract/error-code.js';
import {
  operationInputSchema,
  type OperationInput,
  type OperationResult,
  type Outcome,
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
import { planHasChanges, planHasDrift } from './approval-rules.js';
import { approvePlan } from './approve-plan.js';
import { receiptLine, shortDigest } from './current-details.js';
import { createQuestion } from './decide.js';
import { applicationFailure, failureOf } from './failures.js';
import { waitPlanUpdate } from './messages.js';
import { handleMessages } from './operation-messages.js';
import { notify } from './notify.js';
import { build, execute, prepare, preview, settle } from './operation-steps.js';
import { defined, type Operation } from './operation.js';
import { brief, light } from './policies.js';
import { claimSearchAttributes, createProgress, planAttributes } from './progress.js';
import { validate } from './validate.js';

/** How often a plan is made anew because the state moved, before a person has to look. */
const ROUNDS = 3;

interface Ending {
  readonly outcome: Outcome;
  readonly other?: RunReference;
}

/** Runs an operation; business outcomes are results, a failed run always means that someone has to look. */
export async function stackOperation(raw: unknown): Promise<OperationResult> {
  const parsed = parse(raw);
  if (!parsed.ok) return refuse(parsed.failure);
  const input = parsed.value;
  const progress = createProgress(input);
  const question = createQuestion(progress);
  const operation: Operation = { input, progress, question, notices: [], ended: false };
  handleMessages(operation);
  claimSearchAttributes(input);
  try {
    const ending = await run(operation);
    // A cancel that comes now is too late: what was done is told as it was.
    return await CancellationScope.nonCancellable(() => finish(operation, ending));
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
async function refuse(failure: Failure): Promise<never> {
  setHandler(waitPlanUpdate, () => {
    throw applicationFailure(failure);
  });
  claimSearchAttributes({}, 'failed');
  await condition(allHandlersFinished);
  throw applicationFailure(failure);
}

async function run(operation: Operation): Promise<Ending> {
  const { input: asked, progress } = operation;
  const prepared = await prepare(operation);
  if (prepared.duplicate !== undefined) return { outcome: 'duplicate', other: prepared.duplicate };
  operation.dockerId = prepared.dockerId;
  const input = prepared.input ?? asked;
  operation.input = input;
  if (prepared.notifies !== undefined) operation.notifies = prepared.notifies;
  if (prepared.logs !== undefined) progress.set({ logs: prepared.logs });
  if (input.operation !== 'preview' && prepared.leftOver !== undefined)
    await settle(operation, prepared);
  const image = prepared.image ?? (await build(operation, prepared));
  progress.usesImage(image);
  if (input.operation !== 'preview') return mutate(operation, prepared, image, input.operation);
  const plan =
    prepared.plan ?? (await preview(operation, prepared, image, input.previewOf ?? 'apply', 1));
  progress.usesPlan(plan);
  return { outcome: planHasChanges(plan.view) ? 'succeeded' : 'no-changes' };
}

/** Plans, asks and carries out; a state that moved in between makes a new plan, at most `ROUNDS` times. */
async function mutate(
  operation: Operation,
  prepared: Preparation,
  image: ResolvedImage,
  mutation: Mutation,
): Promise<Ending> {
  const { progress, notices } = operation;
  let earlier: PlannedChanges | undefined;
  for (let round = 1; ; round += 1) {
    const saved = round === 1 ? prepared.plan : undefined;
    const plan = saved ?? (await preview(operation, prepared, image, mutation, round));
    progress.usesPlan(plan);
    const outcome = await approvePlan(operation, plan, { earlier, named: saved !== undefined });
    if (outcome !== undefined) return { outcome };
    earlier = plan;
    try {
      operation.executed = await execute(operation, plan, image, mutation);
      tellReceipt(operation, operation.executed.receipt);
      if (operation.executed.interrupted) throw interruption(operation.executed);
      return { outcome: 'succeeded' };
    } catch (error) {
      const failure = failureOf(error, 'execute');
      if (failure.code !== 'PlanStale' || round === ROUNDS) throw error;
      notices.push(`plan ${shortDigest(plan.view.planDigest)} was stale: ${failure.message}`);
    }
  }
}

function tellReceipt({ progress }: Operation, receipt: Executed['receipt']): void {
  progress.tell(receipt === undefined ? [] : [receiptLine(receipt)]);
}

function tellFailure({ progress, executed }: Operation, { code, message, detail }: Failure): void {
  const receipt = executed?.receipt ?? receiptSchema.safeParse(detail?.['receipt']).data;
  progress.tell([`${code}: ${message}`, ...(receipt === undefined ? [] : [receiptLine(receipt)])]);
}

/** A cancel ends the run *Canceled*; a kill, or a signal from outside, is a failure to look at. */
function interruption({ failure }: Executed): Error {
  if (CancellationScope.current().consideredCancelled) return new CancelledFailure('canceled');
  return applicationFailure(
    failure ?? { code: 'ModuleFailed', message: 'the tool was interrupted before it was through' },
  );
}

async function finish(operation: Operation, ending: Ending): Promise<OperationResult> {
  const { outcome } = ending;
  const ranNothing = outcome !== 'succeeded' && outcome !== 'duplicate';
  if (operation.input.operation !== 'preview' && ranNothing) await record(operation, outcome);
  operation.progress.set({ outcome });
  if (outcome === 'expired') await notify(operation, 'approval.expired');
  await end(operation, outcome);
  return { ...resultOf(operation), ...ending };
}

/** Ends a run that did not get through: *Canceled* with what was done, or *Failed* with the reason. */
async function fail(operation: Operation, error: unknown): Promise<never> {
  const { input, progress } = operation;
  const { phase } = progress.state;
  const failure = failureOf(error, phase === 'apply' ? 'execute' : phase);
  // A cancel between two tries of a step ends it with the error of the last one.
  const betweenTries = CancellationScope.current().consideredCancelled && isRetryable(failure.code);
  const canceled = isCancellation(error) || betweenTries;
  const outcome = canceled ? 'canceled' : 'failed';
  return CancellationScope.nonCancellable(async () => {
    // What happened in phase apply was recorded where it happened.
    if (input.operation !== 'preview' && phase !== 'apply') {
      await record(operation, canceled ? 'OperationCanceled' : failure.code);
    }
    operation.endedWith = failure;
    tellFailure(operation, failure);
    if (!canceled) await tellOthers(operation, failure);
    await end(operation, outcome);
    if (!canceled) throw applicationFailure(failure);
    throw new CancelledFailure('canceled', [resultOf(operation)]);
  });
}

async function tellOthers(operation: Operation, { code, message }: Failure): Promise<void> {
  const event = code === 'OutcomeUnknown' ? 'operation.outcome-unknown' : 'operation.failed';
  await notify(operation, event, { failure: { code, message } });
}

async function record(operation: Operation, outcome: string): Promise<void> {
  const { input, progress, notices } = operation;
  const { planDigest, decisions } = progress.state;
  const { stackId, requestedBy } = input;
  const request = { stackId, operation: input.operation, outcome, decisions };
  const limits = outcome === 'OperationCanceled' ? brief : {};
  await light.record
    .executeWithOptions({ summary: `record ${outcome}`, ...limits }, [
      { ...request, ...defined({ planDigest, requestedBy }) },
    ])
    .catch((error: unknown) => {
      notices.push(`not in the stack's log: ${failureOf(error, 'record').message}`);
    });
}

async function end(operation: Operation, outcome: string): Promise<void> {
  const view = operation.progress.plan?.view;
  operation.progress.enter('done', {
    ...(view === undefined ? {} : planAttributes(view)),
    outcome,
  });
  operation.ended = true;
  await condition(allHandlersFinished);
}

/** What is known at the end, whatever the end is. */
function resultOf(operation: Operation): Omit<OperationResult, 'outcome'> {
  const { input, progress, executed, notices } = operation;
  const { image, planDigest, decisions } = progress.state;
  const view = progress.plan?.view;
  return defined({
    stackId: input.stackId,
    operation: input.operation,
    image,
    planDigest,
    summary: view?.summary,
    hasDrift: view === undefined ? undefined : planHasDrift(view),
    receipt: executed?.receipt,
    outputs: executed?.outputs,
    decisions,
    notices: [...notices, ...(executed?.notices ?? [])],
    failure: executed?.failure,
    timings: progress.timings(),
  });
}
