/** The container of a preview, to an answer that is a plan. */
import type { OperationInput } from '../contract/operation.js';
import { runTimes } from '../contract/run-times.js';
import { removeRun } from '../docker/inspect-run.js';
import type { ModuleRunResult } from '../docker/module-run.js';
import { runModule } from '../docker/run-module.js';
import { CodedError } from '../errors.js';
import { orAborted } from '../or-aborted.js';
import { previewName } from './container-names.js';
import type { OperationDependencies, StepControl } from './dependencies.js';
import { abandonedLock, lockedFailure } from './lock-holder.js';
import { logLines } from './log-lines.js';
import { failureError, moduleFailure, redacted, redactedError } from './module-failure.js';
import { buildModuleRun, type RunParts } from './module-run.js';
import type { PreviewRequest } from './types.js';

type PreviewParts = Pick<RunParts, 'inputs' | 'environment' | 'snapshot' | 'options' | 'sealKey'>;

/**
 * Runs the preview. A lock of the tool that a dead container of ours left is released by a second run.
 * Throws the module's failure, `ContainerLost`, `StateLocked` that names the holder, …
 */
export async function runPreview(
  dependencies: OperationDependencies,
  request: PreviewRequest,
  parts: PreviewParts,
  control: StepControl,
): Promise<ModuleRunResult> {
  const asked = request.input.options?.unlock;
  try {
    return await runOnce(dependencies, request, parts, control, asked);
  } catch (error) {
    const unlock = asked === undefined && request.lock ? abandonedLock(error) : undefined;
    if (unlock === undefined) throw error;
    return runOnce(dependencies, request, parts, control, unlock);
  }
}

async function runOnce(
  dependencies: OperationDependencies,
  { input, operation, image, containerKey, lock }: PreviewRequest,
  parts: PreviewParts,
  control: StepControl,
  unlock: string | undefined,
): Promise<ModuleRunResult> {
  const { engine, store } = dependencies;
  const { stackId } = input;
  const { inputs, options } = parts;
  const run = await buildModuleRun(dependencies, {
    ...parts,
    name: previewName(store.installation, engine.id, containerKey),
    labels: {
      purpose: 'preview',
      // Nobody stops the preview of an operation that was terminated: from then on it is swept away.
      neededUntil: new Date(Date.now() + runTimes(input.limits).stepMs).toISOString(),
    },
    workspace: { kind: 'anonymous' },
    stackId,
    operation,
    image,
    input,
    imports: input.imports,
    options: lock || unlock !== undefined ? options : { ...options, lock: false },
    unlock,
  });
  const result = await runModule(engine, run, {
    signal: control.signal,
    ...(control.letGo === undefined ? {} : { letGo: control.letGo }),
    onEvent: logLines(control, inputs),
  }).catch(async (error: unknown) => {
    // What is left of a container that was killed would be the answer of every further try.
    if (error instanceof CodedError && error.code === 'ContainerLost')
      await removeRun(engine, run.name);
    throw redactedError(error, inputs);
  });
  control.onEnded?.();
  control.onContainer?.({ id: result.containerId });
  if (result.stopped === 'timeout') throw timedOut(input);
  control.signal.throwIfAborted();
  if (result.response.success) return result;
  const failure = await orAborted(
    control.signal,
    failureOf(dependencies, input, result, inputs, { own: run.name, options }),
  );
  // The next try would find this container and its answer.
  if (failure.retryable || failure.code === 'StateLocked')
    await removeRun(engine, result.containerId);
  throw failure;
}

async function failureOf(
  dependencies: OperationDependencies,
  { stackId, options }: OperationInput,
  result: ModuleRunResult,
  inputs: PreviewParts['inputs'],
  refused: Parameters<typeof lockedFailure>[4],
): Promise<CodedError> {
  if (interruptedElsewhere(result))
    return new CodedError(
      'ContainerLost',
      'the preview was interrupted from outside, as by an engine that shuts down: it runs again',
    );
  const failure = moduleFailure(result.response, inputs);
  if (failure.code !== 'StateLocked') return failureError(failure);
  const holder = redacted(result.response.state?.lock, inputs);
  // Who asked for a release wants to know who holds it now, not to wait for them.
  const final = options?.unlock !== undefined;
  return failureError(await lockedFailure(dependencies, stackId, failure, holder, refused), final);
}

/** Ended by a signal that was not ours. */
function interruptedElsewhere({ stopped, response }: ModuleRunResult): boolean {
  return stopped === undefined && response.failure?.detail?.['interrupted'] === true;
}

function timedOut(input: OperationInput): CodedError {
  return new CodedError(
    'ModuleTimedOut',
    `the preview did not end within ${input.limits?.runTimeout ?? '1h'}; raise limits.runTimeout`,
  );
}
