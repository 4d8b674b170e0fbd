/** `scheduledRefresh`: looks for drift without a lock, tells each drift once, and starts what the rule says. */
import {
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  isCancellation,
  ParentClosePolicy,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { OperationInput } from '../src/contract/operation.js';
import {
  scheduledRefreshInputSchema,
  type ScheduledRefreshInput,
  type ScheduledRefreshResult,
} from '../src/contract/schedule.js';
import type { DriftNoted } from '../src/operation/types.js';
import { stackWorkflowId, WORKFLOW } from '../src/temporal/names.js';
import { ATTRIBUTE } from '../src/temporal/search-attributes.js';
import { countsLine } from './current-details.js';
import { createQuestion } from './decide.js';
import { applicationFailure, failureOf } from './failures.js';
import { planQuery, stateQuery } from './messages.js';
import { notify } from './notify.js';
import { build, prepare, preview } from './operation-steps.js';
import { defined, type Operation } from './operation.js';
import { light } from './policies.js';
import { claimSearchAttributes, createProgress, planAttributes } from './progress.js';
import { validate } from './validate.js';

/** Checks one stack. A check that can't be made fails its own run: the schedule goes on. */
export async function scheduledRefresh(raw: unknown): Promise<ScheduledRefreshResult> {
  const input = validate(scheduledRefreshInputSchema, raw, 'input');
  const { stackId, limits, credentials, requestedBy = 'schedule' } = input;
  const looking: OperationInput = defined({
    stackId,
    operation: 'preview',
    previewOf: 'refresh',
    limits,
    credentials,
    requestedBy,
  });
  const progress = createProgress(looking);
  const question = createQuestion(progress);
  const operation: Operation = { input: looking, progress, question, notices: [], ended: false };
  setHandler(stateQuery, () => progress.state, { description: 'Where the check is' });
  setHandler(planQuery, () => progress.plan?.view ?? null, { description: 'What it found' });
  claimSearchAttributes(looking);
  try {
    return await check(operation, input);
  } catch (error) {
    const canceled = isCancellation(error);
    const failure = failureOf(error, progress.state.phase);
    return CancellationScope.nonCancellable(async () => {
      progress.tell([`${failure.code}: ${failure.message}`]);
      const { code, message } = failure;
      if (!canceled) await notify(operation, 'operation.failed', { failure: { code, message } });
      progress.enter('done', { outcome: canceled ? 'canceled' : 'failed' });
      await condition(allHandlersFinished);
      throw canceled ? new CancelledFailure('canceled') : applicationFailure(failure);
    });
  }
}

async function check(
  operation: Operation,
  input: ScheduledRefreshInput,
): Promise<ScheduledRefreshResult> {
  const { progress, notices } = operation;
  const { stackId } = input;
  const prepared = await prepare(operation);
  operation.dockerId = prepared.dockerId;
  if (prepared.notifies !== undefined) operation.notifies = prepared.notifies;
  const image = prepared.image ?? (await build(operation, prepared));
  progress.usesImage(image);
  const plan = await preview(operation, prepared, image, 'refresh', 1);
  progress.usesPlan(plan);
  const { planDigest } = plan.view;
  const noted = await light.noteDrift.executeWithOptions(
    { summary: 'compare with what is known' },
    [{ stackId, planDigest }],
  );
  if (noted.drift === 'new')
    await notify(operation, 'drift.found', {
      summary: noted.summary,
      ...defined({ fingerprint: noted.fingerprint }),
    });
  // Also drift that was reported before, when the stack was busy then or the rule is new.
  const acted = noted.drift !== 'none' && noted.acted !== true ? await act(input, noted) : {};
  if (acted.started !== undefined)
    await light.noteDrift.executeWithOptions({ summary: 'an operation was started for it' }, [
      { stackId, planDigest, acted: true },
    ]);
  progress.tell([driftLine(noted)]);
  progress.enter('done', { ...planAttributes(plan.view), outcome: 'succeeded' });
  await condition(allHandlersFinished);
  return defined({
    stackId,
    drift: noted.drift,
    summary: noted.summary,
    fingerprint: noted.fingerprint,
    planDigest,
    ...acted,
    notices: notices.length === 0 ? undefined : notices,
  });
}

/** Starts what the rule says, and leaves it to itself; a stack that is busy is left alone. */
async function act(
  { stackId, onDrift, approval, limits, credentials }: ScheduledRefreshInput,
  { fingerprint = '' }: DriftNoted,
): Promise<Pick<ScheduledRefreshResult, 'started' | 'skipped'>> {
  if (onDrift === 'report') return {};
  const operation = onDrift === 'accept' ? 'refresh' : 'apply';
  const requestedBy = 'schedule';
  const input: OperationInput = defined({
    stackId,
    operation,
    approval,
    limits,
    credentials,
    requestedBy,
    // The same drift asks once, however often this run is replayed or reset.
    requestId: `drift ${fingerprint} ${workflowInfo().workflowId}`.slice(0, 200),
    reason: `drift was found; ${operation === 'refresh' ? 'this accepts it' : 'this puts things back'}`,
  });
  try {
    const child = await startChild(WORKFLOW.stackOperation, {
      workflowId: stackWorkflowId(stackId),
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `${operation} ${stackId} by schedule`,
      typedSearchAttributes: [
        { key: ATTRIBUTE.stack, value: stackId },
        { key: ATTRIBUTE.operation, value: operation },
        { key: ATTRIBUTE.requestedBy, value: requestedBy },
      ],
    });
    return { started: { workflowId: child.workflowId, runId: child.firstExecutionRunId } };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return { skipped: 'busy' };
    throw error;
  }
}

function driftLine({ drift, summary }: DriftNoted): string {
  if (drift === 'none') return 'no drift';
  return `${drift === 'new' ? 'new drift' : 'drift, reported before'}: ${countsLine(summary)}`;
}
