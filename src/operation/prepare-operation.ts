/** What has to be known before anything of an operation runs: cheap, and nothing is changed but the request's claim. */
import { setTimeout as delay } from 'node:timers/promises';
import { tooLarge } from '../contract/input-limit.js';
import type { ModuleSource, OperationInput } from '../contract/operation.js';
import { CodedError } from '../errors.js';
import { signLink } from '../http/signed-link.js';
import { loadPlan } from '../plan/plan-store.js';
import { wantedEvents } from '../notifications/webhooks.js';
import { requestDigest } from '../request-digest.js';
import { readRecord, runToRepeat, type StackRecord } from '../stack/record.js';
import { claimRequest } from '../stack/requests.js';
import { checkInputs } from './check-inputs.js';
import type { OperationDependencies } from './dependencies.js';
import { plannedChanges, planLink } from './preview-stack.js';
import { resolveLocalImage } from './resolve-image.js';
import { resumedInput } from './resumed-input.js';
import type { PrepareRequest, Preparation, PlannedChanges, ResolvedImage } from './types.js';

/** Milliseconds in which an engine shows an image that it has, else it is left to the build step: a cancel waits for this one's end. */
const ENGINE_ANSWERS = 1000;

/** Checks the input against the stack's record and finds the module. Throws `InvalidInput`, `StackNotFound`, `PlanNotFound`, … */
export async function prepareOperation(
  dependencies: OperationDependencies,
  { input: asked, run }: PrepareRequest,
): Promise<Preparation> {
  const { store, engine } = dependencies;
  const { stackId, requestId } = asked;
  refuseLarge(asked);
  if (requestId !== undefined) {
    const claim = await claimRequest(store, {
      stackId,
      requestId,
      ...run,
      digest: requestDigest(asked),
      at: new Date().toISOString(),
    });
    if (!claim.claimed) {
      const { workflowId, runId } = claim.entry;
      return { duplicate: { workflowId, runId }, dockerId: engine.id, module: '' };
    }
  }
  const record = (await readRecord(store, stackId))?.record;
  const resumes = asked.resume === true;
  const input = resumes ? await resumedInput(dependencies, asked, record) : asked;
  const plan = input.plan === undefined ? undefined : await savedPlan(dependencies, input, record);
  const open = record?.openRun;
  // A run that is left behind binds the stack to its engine until it is collected there.
  const dockerId = input.operation === 'preview' ? engine.id : (open?.dockerId ?? engine.id);
  const notifies = wantedEvents(dependencies.webhooks, stackId);
  const { httpUrl } = dependencies.config;
  const logs =
    httpUrl === undefined
      ? undefined
      : await signLink(store, httpUrl, { stackId, runId: run.runId });
  const source = sourceOf(input, record, plan);
  const image =
    dockerId === engine.id && 'image' in source
      ? await imageAtHand(dependencies, input, source.image, plan !== undefined)
      : undefined;
  return {
    dockerId,
    module: nameOf(source),
    source,
    ...(resumes ? { input } : {}),
    ...(logs === undefined ? {} : { logs }),
    ...(notifies.length === 0 ? {} : { notifies }),
    ...(image === undefined ? {} : { image }),
    ...(plan === undefined ? {} : { plan }),
    ...(open === undefined
      ? {}
      : {
          leftOver: { operation: open.operation, workflowId: open.workflowId, runId: open.runId },
        }),
  };
}

async function savedPlan(
  dependencies: OperationDependencies,
  input: OperationInput,
  record: StackRecord | undefined,
): Promise<PlannedChanges> {
  const saved = await loadPlan(dependencies.store, input.stackId, input.plan ?? '');
  const { operation } = saved.bundle.subject;
  const wanted = input.operation === 'preview' ? (input.previewOf ?? operation) : input.operation;
  if (operation !== wanted) {
    throw new CodedError(
      'InvalidInput',
      `plan: ${saved.bundle.digest.slice(0, 23)} is a plan of ${operation}, not of ${wanted}`,
    );
  }
  return plannedChanges(saved, {
    link: await planLink(dependencies, saved.bundle),
    lostRun: record?.lostRun,
  });
}

function sourceOf(
  input: OperationInput,
  record: StackRecord | undefined,
  plan: PlannedChanges | undefined,
): ModuleSource {
  if (plan !== undefined) return { image: plan.view.image };
  if (input.module !== undefined) return input.module;
  const operation = input.operation === 'preview' ? (input.previewOf ?? 'apply') : input.operation;
  const image = runToRepeat(record, operation)?.image ?? record?.image;
  if (image !== undefined) return { image };
  if (record === undefined) {
    throw new CodedError(
      'StackNotFound',
      `there is no stack ${input.stackId}: name a module to make it, or check the id`,
    );
  }
  throw new CodedError(
    'InvalidInput',
    `module: stack ${input.stackId} never ran, so name a module`,
  );
}

/** The image, with its inputs checked; undefined when the engine has none, is away, or takes its time: the build step looks again. */
async function imageAtHand(
  dependencies: OperationDependencies,
  input: OperationInput,
  reference: string,
  planned: boolean,
): Promise<ResolvedImage | undefined> {
  const look = async (): Promise<ResolvedImage | undefined> => {
    const image = await resolveLocalImage(dependencies.engine, reference, input.engine);
    if (image !== undefined && !planned) await checkInputs(dependencies, image, input);
    return image;
  };
  try {
    return await Promise.race([look(), delay(ENGINE_ANSWERS, undefined, { ref: false })]);
  } catch (error) {
    if (error instanceof CodedError && error.code === 'DockerUnavailable') return undefined;
    throw error;
  }
}

function nameOf(source: ModuleSource): string {
  if ('image' in source) return source.image;
  return 'path' in source ? source.path : source.archive;
}

/** The client refuses them too; others may start operations without it. */
function refuseLarge({ inputs }: OperationInput): void {
  const issue = tooLarge(inputs);
  if (issue !== undefined) throw new CodedError('InvalidInput', issue);
}
