/** Brings a mutating run that an earlier operation left behind to its end, before anything else is done. */
import { removeRun } from '../docker/inspect-run.js';
import { CodedError } from '../errors.js';
import { loadPlan, type SavedPlan } from '../plan/plan-store.js';
import { decideAttempt } from '../stack/attempt.js';
import { readAttempt, type Attempt } from '../stack/attempt-store.js';
import { readRecord, type OpenRun } from '../stack/record.js';
import { endAsNothing, observePlace } from './attempt-place.js';
import { returnResult } from './complete-attempt.js';
import type { OperationDependencies, StepControl } from './dependencies.js';
import type { AttemptContext } from './attempt-context.js';
import { followAttempt } from './follow-attempt.js';
import { harvestVolume } from './harvest-volume.js';
import { readInputs } from './input-archive.js';
import { resolveRunInputs, withoutSecrets } from './run-inputs.js';
import type { ExecuteRequest, Executed, Settled } from './types.js';

/**
 * Stops the container of the run that is left behind if it still runs, harvests it and records what it did.
 * Its failure is told, not thrown: the operation that asks goes on from the state that is safe now.
 */
export async function settleStack(
  dependencies: OperationDependencies,
  stackId: string,
  control: StepControl,
): Promise<Settled> {
  const { engine, store } = dependencies;
  const open = (await readRecord(store, stackId))?.record.openRun;
  if (open === undefined) return { notice: 'what was left behind had been settled' };
  if (open.dockerId !== engine.id) {
    throw new CodedError(
      'StackBusy',
      `stack ${stackId} is bound to Docker engine ${open.dockerId} until its run there is collected`,
    );
  }
  const { planDigest } = open;
  const attempt: Attempt = (await readAttempt(store, {
    stackId,
    planDigest,
    attempt: open.attempt,
  })) ?? {
    stackId,
    planDigest,
    attempt: open.attempt,
    status: 'intended',
    run: open,
  };
  const what = `the ${open.operation} that ${open.workflowId} left behind`;
  try {
    const executed = await endAttempt(
      dependencies,
      await contextOf(dependencies, stackId, open),
      attempt,
      control,
    );
    if (executed === 'nothing-ran') return { notice: `${what} had not begun` };
    return {
      notice: `${what} was ${executed.interrupted ? 'stopped and harvested' : 'collected: it had succeeded'}`,
    };
  } catch (error) {
    if (!(error instanceof CodedError) || error.retryable) throw error;
    return { notice: `${what} was settled: ${error.message}` };
  }
}

async function endAttempt(
  dependencies: OperationDependencies,
  context: AttemptContext,
  attempt: Attempt,
  control: StepControl,
): Promise<Executed | 'nothing-ran'> {
  const observed = await observePlace(dependencies, context.containerName, attempt);
  switch (decideAttempt(attempt.status, observed)) {
    case 'adopt':
      return followAttempt(dependencies, context, attempt, 'stop', control);
    case 'collect':
      return followAttempt(dependencies, context, attempt, 'adopt', control);
    case 'harvest':
      return harvestVolume(dependencies, context, attempt);
    case 'return-result':
      return returnResult(dependencies, context, attempt);
    case 'wait':
      throw new CodedError(
        'DockerUnavailable',
        'the Docker engine does not say what became of the container',
      );
    case 'create':
    case 'start':
    case 'try-again':
      await endAsNothing(dependencies, attempt);
      await removeRun(dependencies.engine, context.containerName);
      return 'nothing-ran';
  }
}

async function contextOf(
  dependencies: OperationDependencies,
  stackId: string,
  open: OpenRun,
): Promise<AttemptContext> {
  const saved = await loadPlan(dependencies.store, stackId, open.planDigest, {
    allowExpired: true,
  });
  const { subject } = saved.bundle;
  const { image: reference, engine } = subject;
  return {
    request: {
      stackId,
      operation: subject.operation,
      planDigest: open.planDigest,
      image: { reference, imageId: reference, name: reference, engine },
      input: (open.input ?? {}) as ExecuteRequest['input'],
      decisions: [],
    },
    saved,
    inputs: await inputsOf(dependencies, stackId, saved),
    run: { workflowId: open.workflowId, runId: open.runId },
    containerName: open.containerName,
  };
}

/** Secrets are needed for redaction only: one that is gone must not keep a run from being collected. */
async function inputsOf(dependencies: OperationDependencies, stackId: string, saved: SavedPlan) {
  const asked = await readInputs(dependencies.store, saved.note.inputsRef);
  const credentials = saved.note.run?.['credentials'] as string[] | undefined;
  return resolveRunInputs(dependencies, stackId, asked, credentials).catch((error: unknown) => {
    if (error instanceof CodedError && !error.retryable) return withoutSecrets();
    throw error;
  });
}
