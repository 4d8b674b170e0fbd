/** Brings a mutating run whose container gave no answer to its end, by what it left. */
import type { Failure } from '../contract/error-code.js';
import { parseJson, stringifyJson } from '../contract/json.js';
import { collectFrame } from '../docker/collect-result.js';
import { inspectRun } from '../docker/inspect-run.js';
import { CodedError } from '../errors.js';
import { moduleResponseSchema } from '../contract/response.js';
import type { Frame } from '../contract/sealed-frame.js';
import { readSubject } from '../plan/change-line.js';
import { judgeLostRun, type LostRunVerdict } from '../plan/lost-run.js';
import type { DoneEvent } from '../plan/receipt.js';
import type { Attempt } from '../stack/attempt-store.js';
import { pendingIn } from '../state/resources-in.js';
import type { AttemptContext } from './attempt-context.js';
import { completeAttempt, finishAttempt, storeState, unwrittenAdvice } from './complete-attempt.js';
import type { OperationDependencies } from './dependencies.js';
import { describeLoss } from './describe-loss.js';
import { readLostVolume, type LostState, type LostVolume } from './lost-volume.js';
import { redacted } from './module-failure.js';
import { isStateInStore, stateElsewhere } from './state-place.js';
import { trackedResources } from './tracked-resources.js';
import type { Executed } from './types.js';

/** What the worker knows of the loss before it looks. */
export interface Loss {
  readonly failure?: Failure;
  /** Resource events that reached it. */
  readonly heard?: readonly DoneEvent[];
}

type Unanswered = Exclude<LostRunVerdict, { kind: 'answered' }>;

/**
 * Looks into the working volume, saves what state the run left and ends the attempt. Answers what the run's own sealed
 * answer says; else throws `ContainerLost` (not done, or done as its receipt says) or `OutcomeUnknown` with all that is
 * known. The container is removed later, its volume stays until a next operation of the stack has taken over.
 */
export async function harvestVolume(
  dependencies: OperationDependencies,
  context: AttemptContext,
  attempt: Attempt,
  { failure: lost, heard = [] }: Loss = {},
): Promise<Executed> {
  const { engine, store } = dependencies;
  const { bundle } = context.saved;
  const { image, engine: tool, options } = bundle.subject;
  const inStore = isStateInStore(dependencies.config, options);
  const { stackId, planDigest } = attempt;
  const found = await inspectRun(engine, context.containerName);
  const keys = await store.stackKey(stackId);
  const volume = await readLostVolume(engine, {
    volume: context.containerName,
    image,
    stackId,
    tool,
    sealKey: keys.seal(`${planDigest}/${attempt.attempt}`),
  }).catch(unlessAway<LostVolume>({}));
  const verdict = judgeLostRun({
    approved: context.request.operation === 'refresh' ? [] : bundle.changes.map(readSubject),
    answered: volume.frame !== undefined,
    journal: volume.journal,
    heard,
    // Beside a backend there is a state only when the tool could not write it there.
    stateIsSafe: inStore === (volume.state !== undefined),
    tracked: await trackedResources(dependencies, context, volume.state?.bytes),
    pending: volume.state === undefined ? [] : pendingIn(tool, volume.state.bytes),
  });
  if (verdict.kind === 'answered')
    return completeFrame(dependencies, context, attempt, volume.frame as Frame);
  const cause = lost === undefined ? undefined : redacted(lost, context.inputs);
  const containerId = attempt.started?.containerId ?? found?.id ?? null;
  return endLost(dependencies, context, attempt, verdict, volume.state, {
    ...cause,
    detail: { ...cause?.detail, containerId },
  });
}

/** As if the answer had come from the container. */
async function completeFrame(
  dependencies: OperationDependencies,
  context: AttemptContext,
  attempt: Attempt,
  frame: Frame,
): Promise<Executed> {
  const { request, saved } = context;
  const collected = collectFrame(
    { image: saved.bundle.subject.image, request: { action: request.operation } },
    frame,
  );
  const result = {
    ...collected,
    containerId: attempt.started?.containerId ?? '',
    adopted: true,
    dropped: 0,
    oomKilled: false,
    killed: false,
    timings: {},
  };
  return completeAttempt(dependencies, context, attempt, result, []);
}

async function endLost(
  dependencies: OperationDependencies,
  context: AttemptContext,
  attempt: Attempt,
  judged: Unanswered,
  state: LostState | undefined,
  cause: { readonly message?: string; readonly detail: NonNullable<Failure['detail']> },
): Promise<Executed> {
  const at = new Date().toISOString();
  const stored =
    judged.kind === 'not-done'
      ? undefined
      : await saveState(dependencies, context, state, at).catch(unlessAway(undefined));
  const place = stateElsewhere(dependencies.config, context.saved.bundle.subject.options, null);
  const hasState = stored !== undefined || place !== undefined;
  // What is in no state is not known to the next run, however well it is known to us.
  const verdict: Unanswered =
    judged.kind === 'known' && !hasState
      ? { kind: 'unknown', receipt: judged.receipt, open: [], untracked: [] }
      : judged;
  const failure = redacted(
    describeLoss(verdict, {
      stackId: attempt.stackId,
      operation: context.request.operation,
      stateSaved: stored !== undefined,
      stateElsewhere: place !== undefined,
      ...(stored !== undefined && 'unwritten' in stored
        ? { unwritten: unwrittenAdvice(attempt.stackId, stored.unwritten ?? 0) }
        : {}),
      ...(cause.message === undefined ? {} : { cause: cause.message }),
      detail: cause.detail,
    }),
    context.inputs,
  );
  const { receipt } = failure.detail as { receipt?: Executed['receipt'] };
  const executed: Executed = {
    interrupted: false,
    ...(receipt === undefined ? {} : { receipt }),
    outputs: {},
    notices: [],
    failure,
  };
  const { open, untracked } = verdict.kind === 'unknown' ? redacted(verdict, context.inputs) : {};
  const ended = {
    executed,
    failure,
    // The next operation has to look where this one wrote.
    ...(verdict.kind === 'not-done' || !hasState ? {} : { state: stored ?? place }),
    ...(open === undefined ? {} : { lost: { open, untracked } }),
  };
  return finishAttempt(dependencies, context, attempt, {
    outcome:
      verdict.kind === 'not-done' ? 'nothing-ran' : verdict.kind === 'known' ? 'failed' : 'unknown',
    failure,
    ...(stored !== undefined && 'version' in stored ? { stateVersion: stored.version } : {}),
    data: parseJson(stringifyJson(ended)),
    at,
  });
}

async function saveState(
  dependencies: OperationDependencies,
  context: AttemptContext,
  state: LostState | undefined,
  at: string,
): ReturnType<typeof storeState> {
  if (state === undefined) return undefined;
  const answer = moduleResponseSchema.parse({
    success: false,
    action: context.request.operation,
    state: state.description,
  });
  return storeState(dependencies, context, answer, state.bytes, at);
}

/** What can't be read is as good as gone; an engine or store that is away is asked again later. */
function unlessAway<T>(otherwise: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof CodedError && error.retryable) throw error;
    return otherwise;
  };
}
