/** Looks into the working volume of a mutating run whose container gave no answer. */
import type { Failure } from '../contract/error-code.js';
import { parseJson, stringifyJson } from '../contract/json.js';
import { inspectRun } from '../docker/inspect-run.js';
import { readVolumeFiles } from '../docker/read-files.js';
import { moduleResponseSchema, type ModuleResponse } from '../contract/response.js';
import type { Attempt } from '../stack/attempt-store.js';
import { describeState, type StateDescription } from '../state/describe.js';
import type { AttemptContext } from './attempt-context.js';
import { finishAttempt, storeState } from './complete-attempt.js';
import type { OperationDependencies } from './dependencies.js';
import { redacted } from './module-failure.js';
import type { Executed } from './types.js';

const STATE = 'state/state';
/** Pulumi's own checkpoint, which can be a moment newer than the snapshot that is made of it. */
const live = (stackId: string): string => `state/live/${stackId}.json`;

/**
 * Saves what state the run left and ends the attempt as unknown. The container is removed later, its volume stays
 * until a next operation of the stack has taken over. Always throws, `OutcomeUnknown` or the reason that is known.
 */
export async function harvestVolume(
  dependencies: OperationDependencies,
  context: AttemptContext,
  attempt: Attempt,
  lost?: Failure,
): Promise<Executed> {
  const cause = lost === undefined ? undefined : redacted(lost, context.inputs);
  const { engine } = dependencies;
  const at = new Date().toISOString();
  const found = await inspectRun(engine, context.containerName);
  const { image } = context.saved.bundle.subject;
  const files = await readVolumeFiles(engine, { volume: context.containerName, image }, [
    STATE,
    live(attempt.stackId),
  ]).catch(() => undefined);
  const state = files?.[live(attempt.stackId)] ?? files?.[STATE];
  const answer = state === undefined ? undefined : stateAnswer(context, state);
  const stored =
    answer === undefined
      ? undefined
      : await storeState(dependencies, context, answer, state, at).catch(() => undefined);
  const saved = stored === undefined ? 'no state could be saved' : 'the state it left was saved';
  const failure: Failure = {
    code: 'OutcomeUnknown',
    message: `the ${context.request.operation} of stack ${attempt.stackId} was lost while it ran (${cause?.message ?? 'its container is gone'}); ${saved}; refresh the stack, look at the plan, go on`,
    detail: { ...cause?.detail, containerId: attempt.started?.containerId ?? found?.id ?? null },
  };
  const executed: Executed = { interrupted: false, outputs: {}, notices: [], failure };
  const ended = { executed, failure, ...(stored === undefined ? {} : { state: stored }) };
  return finishAttempt(dependencies, context, attempt, {
    outcome: 'unknown',
    failure,
    ...(stored !== undefined && 'version' in stored ? { stateVersion: stored.version } : {}),
    data: parseJson(stringifyJson(ended)),
    at,
  });
}

/** A state file that is whole, in the form of an answer; a truncated one is not worth a version. */
function stateAnswer(
  { saved, request }: AttemptContext,
  bytes: Uint8Array,
): ModuleResponse | undefined {
  let description: StateDescription;
  try {
    description = describeState(saved.bundle.subject.engine, bytes);
  } catch {
    return undefined;
  }
  return moduleResponseSchema.parse({
    success: false,
    action: request.operation,
    state: description,
  });
}
