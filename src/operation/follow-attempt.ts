/** The container of an attempt, from wherever it stands to a result that is safe. */
import { inspectRun } from '../docker/inspect-run.js';
import type { ModuleRun } from '../docker/module-run.js';
import { runModule } from '../docker/run-module.js';
import { CodedError } from '../errors.js';
import type { DoneEvent } from '../plan/receipt.js';
import { markStarted, readAttempt, type Attempt } from '../stack/attempt-store.js';
import { readRecord } from '../stack/record.js';
import { loadSnapshot } from '../state/snapshot.js';
import { digestOf } from '../store/artefacts.js';
import { readSubject } from '../plan/change-line.js';
import { attemptLabels, endAsNothing, observePlace } from './attempt-place.js';
import type { AttemptContext } from './attempt-context.js';
import { completeAttempt } from './complete-attempt.js';
import type { OperationDependencies, RunContainer, StepControl } from './dependencies.js';
import { harvestVolume } from './harvest-volume.js';
import { logLines } from './log-lines.js';
import { buildModuleRun } from './module-run.js';
import { isStateInStore } from './state-place.js';
import type { Executed } from './types.js';

/** How the container is dealt with: made or started when it never ran, adopted otherwise, stopped at once for settling. */
export type FollowMode = 'run' | 'adopt' | 'stop';

/** Errors after which the run has to be looked into; before the container started they mean that nothing ran. */
const LOST: readonly string[] = [
  'ContainerLost',
  'OutcomeUnknown',
  'InvalidOutput',
  'ModuleFailed',
];

/** What the engine is given where it makes no plan file. */
const NO_PLAN = { content: new Uint8Array(), digest: digestOf('') };

/** Follows the container to its result; `nothing-ran` when its input did not arrive whole. */
export async function followAttempt(
  dependencies: OperationDependencies,
  context: AttemptContext,
  attempt: Attempt,
  mode: FollowMode,
  control: StepControl,
): Promise<Executed | 'nothing-ran'> {
  const { store, engine } = dependencies;
  const events: DoneEvent[] = [];
  const stop = new AbortController();
  const run = await moduleRun(dependencies, context, attempt);
  const toLog = logLines(control, context.inputs);
  try {
    const running = runModule(engine, mode === 'run' ? run : { ...run, adoptOnly: true }, {
      signal: AbortSignal.any([control.signal, stop.signal]),
      ...(control.letGo === undefined ? {} : { letGo: control.letGo }),
      onEvent(event, at) {
        if (event.type === 'resource') events.push(event);
        return toLog(event, at);
      },
      onStarted: (containerId) =>
        markStarted(store, attempt, containerId, new Date().toISOString()),
    });
    // After the call has begun: an aborted signal before it would leave the container alone.
    if (mode === 'stop') stop.abort();
    const result = await running;
    control.onEnded?.();
    return await removedWhenSafe(
      control,
      { id: result.containerId, volume: context.containerName },
      completeAttempt(dependencies, context, attempt, result, events),
    );
  } catch (error) {
    if (control.letGo?.aborted === true) throw error;
    if (isAbortError(error)) {
      await endUnstarted(dependencies, context, attempt);
      throw error;
    }
    if (!(error instanceof CodedError) || isRecorded(error)) throw error;
    return afterError(dependencies, context, attempt, error, events);
  }
}

/** Gives what the work gives; the container may go when the run's result is in the store, and not when the store did not take it. */
export async function removedWhenSafe<T>(
  control: StepControl,
  container: RunContainer,
  work: Promise<T>,
): Promise<T> {
  try {
    const done = await work;
    control.onContainer?.(container);
    return done;
  } catch (error) {
    if (isRecorded(error)) control.onContainer?.(container);
    throw error;
  }
}

/** True for the failure of a run whose receipt is in the store. */
function isRecorded(error: unknown): boolean {
  return error instanceof CodedError && error.detail?.['receipt'] !== undefined;
}

/** The run of an attempt; equal for every call about the same attempt. */
async function moduleRun(
  dependencies: OperationDependencies,
  { request, saved, inputs, containerName, unlock }: AttemptContext,
  attempt: Attempt,
): Promise<ModuleRun> {
  const { store, config } = dependencies;
  const { stackId, planDigest } = request;
  const { subject, plan = NO_PLAN, changes } = saved.bundle;
  const record = (await readRecord(store, stackId))?.record;
  const keys = await store.stackKey(stackId);
  return buildModuleRun(dependencies, {
    name: containerName,
    labels: attemptLabels(attempt),
    workspace: { kind: 'volume', name: containerName },
    stackId,
    operation: request.operation,
    image: { ...request.image, reference: subject.image, engine: subject.engine },
    inputs,
    environment: subject.environment,
    input: request.input,
    imports: subject.imports,
    options: subject.options,
    snapshot: isStateInStore(config, subject.options)
      ? await loadSnapshot(store, record ?? { stackId })
      : undefined,
    sealKey: keys.seal(`${planDigest}/${attempt.attempt}`),
    unlock,
    plan: {
      ...plan,
      toolVersion: subject.toolVersion,
      stateFingerprint: subject.stateFingerprint,
      changes: changes.map(readSubject),
    },
  });
}

/** A run without an answer: nothing ran, or it has to be looked into. */
async function afterError(
  dependencies: OperationDependencies,
  context: AttemptContext,
  attempt: Attempt,
  error: CodedError,
  heard: readonly DoneEvent[],
): Promise<Executed | 'nothing-ran'> {
  const observed = await observePlace(dependencies, context.containerName, attempt);
  if (observed === 'exited-incomplete') return 'nothing-ran';
  if (await endUnstarted(dependencies, context, attempt)) throw error;
  if (!LOST.includes(error.code)) throw error;
  return harvestVolume(dependencies, context, attempt, { failure: error.toFailure(), heard });
}

/** Ends the attempt when no container of it was ever started; true when it did. */
async function endUnstarted(
  dependencies: OperationDependencies,
  { containerName }: AttemptContext,
  attempt: Attempt,
): Promise<boolean> {
  const now = await readAttempt(dependencies.store, attempt);
  const found = await inspectRun(dependencies.engine, containerName);
  const never = found === undefined ? now?.status === 'intended' : found.state === 'created';
  if (!never) return false;
  await endAsNothing(dependencies, attempt);
  return true;
}

function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
