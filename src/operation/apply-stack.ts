/** Carries out exactly one approved plan, once, whatever dies meanwhile. */
import type { Failure } from '../contract/error-code.js';
import { parseJson, stringifyJson, type Json } from '../contract/json.js';
import { removeRun } from '../docker/inspect-run.js';
import { CodedError } from '../errors.js';
import { canonicalJson } from '../contract/canonical-json.js';
import { loadPlan } from '../plan/plan-store.js';
import { decideAttempt } from '../stack/attempt.js';
import { openAttempt, type Attempt } from '../stack/attempt-store.js';
import { isSameRun, needsPerson } from '../contract/lost-run.js';
import { readRecord, type OpenRun } from '../stack/record.js';
import { clearPlace, endAsNothing, observePlace } from './attempt-place.js';
import { returnResult } from './complete-attempt.js';
import { mutationName } from './container-names.js';
import type { OperationDependencies, StepControl } from './dependencies.js';
import type { AttemptContext } from './attempt-context.js';
import { followAttempt, removedWhenSafe } from './follow-attempt.js';
import { harvestVolume } from './harvest-volume.js';
import { abandonedLock } from './lock-holder.js';
import { readInputs } from './input-archive.js';
import { resolveRunInputs } from './run-inputs.js';
import { settleStack } from './settle-stack.js';
import { storedState } from './state-place.js';
import type { ExecuteRequest, Executed, RunReference } from './types.js';

/** Containers that an input which did not arrive whole is given: each is proof that nothing ran. */
const TRIES = 3;

/**
 * Runs the plan, or finds the run of an earlier call: adopts its container, collects it, or returns its result.
 * Throws `PlanStale` or `PlanExpired` before anything ran, the module's failure (state and receipt are safe by then),
 * `PlanViolated`, `OutcomeUnknown` when a run was lost, `StackBusy` while another plan's run is not settled.
 */
export async function applyStack(
  dependencies: OperationDependencies,
  request: ExecuteRequest,
  run: RunReference,
  control: StepControl,
): Promise<Executed> {
  const { engine } = dependencies;
  let context = await createContext(dependencies, request, run);
  const { containerName } = context;
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const opened = await openOrSettle(dependencies, context, control);
    if (opened === 'settled') continue;
    if (opened.status !== 'ended' && opened.run.dockerId !== engine.id) throw elsewhere(opened);
    try {
      const executed = await carryOut(dependencies, context, opened, control);
      if (executed !== 'nothing-ran') return executed;
    } catch (error) {
      const unlock = context.unlock === undefined ? abandonedLock(error) : undefined;
      if (unlock === undefined) throw error;
      context = { ...context, unlock };
      continue;
    }
    await endAsNothing(dependencies, opened);
    await removeRun(engine, containerName);
  }
  throw new CodedError(
    'ContainerLost',
    `the input did not reach the container whole, ${TRIES} times; nothing was run`,
  );
}

/**
 * Opens the attempt. A run of another plan that still binds the stack belongs to an operation that is no more (a reset
 * run has its history, not its steps): it is brought to its end first, and this plan is judged by the state after it.
 */
async function openOrSettle(
  dependencies: OperationDependencies,
  { request, run, containerName }: AttemptContext,
  control: StepControl,
): Promise<Attempt | 'settled'> {
  const { engine, store } = dependencies;
  const { stackId, planDigest, operation, input } = request;
  try {
    const { attempt } = await openAttempt(store, stackId, {
      planDigest,
      dockerId: engine.id,
      containerName,
      operation,
      ...run,
      input: parseJson(stringifyJson(input)) as Record<string, Json>,
      at: new Date().toISOString(),
    });
    return attempt;
  } catch (error) {
    const open = (error as CodedError).detail?.['openRun'] as OpenRun | undefined;
    if (open === undefined || open.dockerId !== engine.id) throw error;
    await settleStack(dependencies, stackId, control);
    return 'settled';
  }
}

async function carryOut(
  dependencies: OperationDependencies,
  context: AttemptContext,
  attempt: Attempt,
  control: StepControl,
): Promise<Executed | 'nothing-ran'> {
  const observed = await observePlace(dependencies, context.containerName, attempt);
  const decision = decideAttempt(attempt.status, observed);
  switch (decision) {
    case 'create':
      // Not only by who opened it: a worker can die before it came to this.
      await refuseStale(dependencies, context, attempt);
      await clearPlace(dependencies, context.containerName, attempt);
      return followAttempt(dependencies, context, attempt, 'run', control);
    case 'start':
      return followAttempt(dependencies, context, attempt, 'run', control);
    case 'adopt':
    case 'collect':
      return followAttempt(dependencies, context, attempt, 'adopt', control);
    case 'harvest':
      return harvestVolume(dependencies, context, attempt);
    case 'try-again':
      return 'nothing-ran';
    case 'return-result':
      return removedWhenSafe(
        control,
        {
          id: attempt.started?.containerId ?? context.containerName,
          volume: context.containerName,
        },
        returnResult(dependencies, context, attempt),
      );
    case 'wait':
      throw new CodedError(
        'DockerUnavailable',
        `the Docker engine does not say what became of ${context.containerName}`,
      );
  }
}

async function createContext(
  dependencies: OperationDependencies,
  request: ExecuteRequest,
  run: RunReference,
): Promise<AttemptContext> {
  const { store } = dependencies;
  const { stackId, planDigest, input } = request;
  // Age is judged before a run is opened; one that was begun is brought to its end at any age.
  const saved = await loadPlan(store, stackId, planDigest, { allowExpired: true });
  const credentials = saved.note.run?.['credentials'] as string[] | undefined;
  const asked = await readInputs(store, saved.note.inputsRef);
  return {
    request,
    saved,
    run,
    inputs: await resolveRunInputs(dependencies, stackId, asked, input.credentials ?? credentials),
    containerName: mutationName(store.installation, stackId),
  };
}

/** Right before it acts: age, state and inputs must be what was approved. */
async function refuseStale(
  dependencies: OperationDependencies,
  context: AttemptContext,
  attempt: Attempt,
): Promise<void> {
  const stale = await staleness(dependencies, context);
  if (stale === undefined) return;
  await endAsNothing(dependencies, attempt);
  throw new CodedError(stale.code, stale.message);
}

async function staleness(
  { store, config }: OperationDependencies,
  { saved, inputs, request }: AttemptContext,
): Promise<Failure | undefined> {
  const { bundle, note } = saved;
  const { subject } = bundle;
  if (Date.now() >= Date.parse(note.expiresAt)) {
    return {
      code: 'PlanExpired',
      message: `the plan ended at ${note.expiresAt}: make a new preview`,
    };
  }
  const record = (await readRecord(store, request.stackId))?.record;
  const { lostRun } = record ?? {};
  if (needsPerson(request.operation, lostRun) && !isSameRun(lostRun, request.knownLoss)) {
    return {
      code: 'PlanStale',
      message: `the ${lostRun.operation} of ${lostRun.at} was lost, and nobody who knew that has approved this plan`,
    };
  }
  // A backend's own state is compared by the tool, inside the container.
  const { fingerprint } = storedState(config, subject.options, record) ?? {
    fingerprint: subject.stateFingerprint,
  };
  if (fingerprint !== subject.stateFingerprint) {
    return {
      code: 'PlanStale',
      message: `the state moved from ${subject.stateFingerprint ?? 'none'} to ${fingerprint ?? 'none'} after the plan was made`,
    };
  }
  if (canonicalJson(inputs.masked) !== canonicalJson(subject.inputs)) {
    return { code: 'PlanStale', message: 'the value of an input changed after the plan was made' };
  }
  return undefined;
}

function elsewhere(attempt: Attempt): CodedError {
  return new CodedError(
    'StackBusy',
    `stack ${attempt.stackId} is bound to Docker engine ${attempt.run.dockerId} until its run there is collected`,
    { detail: { openRun: attempt.run } },
  );
}
