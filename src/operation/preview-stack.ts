/** Plans a change of a stack and saves the plan, so that an approval can name it. */
import { digestContent } from '../content.js';
import { summarize, type Change } from '../contract/change.js';
import { parseJson, stringifyJson, type Json } from '../contract/json.js';
import type { LostRun } from '../contract/lost-run.js';
import type { OperationInput } from '../contract/operation.js';
import type { ModuleResponse } from '../contract/response.js';
import type { ModuleRunResult } from '../docker/module-run.js';
import { CodedError } from '../errors.js';
import { orAborted } from '../or-aborted.js';
import { approvalBasis } from '../plan/approval-basis.js';
import { signLink } from '../http/signed-link.js';
import { createPlanBundle, type PlanBundle } from '../plan/bundle.js';
import { changeLine, readSubject } from '../plan/change-line.js';
import { canonicalJson } from '../contract/canonical-json.js';
import { loadPlan, savePlan, type SavedPlan } from '../plan/plan-store.js';
import { planView } from '../plan/view.js';
import { allChanges } from '../plan/whole-answer.js';
import { readRecord, runToRepeat, type StackRecord } from '../stack/record.js';
import { loadSnapshot } from '../state/snapshot.js';
import type { OperationDependencies, StepControl } from './dependencies.js';
import { readInputs, storeInputs } from './input-archive.js';
import { besidePlan } from './lost-run-mark.js';
import { redacted } from './module-failure.js';
import { engineOptions } from './module-run.js';
import { resolveRunInputs } from './run-inputs.js';
import { runPreview } from './run-preview.js';
import {
  isStateInStore,
  refuseFromNothing,
  stateLocation,
  storedState,
  withKeptBackend,
} from './state-place.js';
import type { PlannedChanges, PreviewRequest } from './types.js';

/** Bytes of changes that go through workflow history; the whole plan is in the store. */
const VIEW_BYTES = 6 * 1024;

/** Runs the preview and saves its plan. Throws the module's failure, `StateDamaged`, `SecretNotFound`, … */
export async function previewStack(
  dependencies: OperationDependencies,
  request: PreviewRequest,
  control: StepControl,
): Promise<PlannedChanges> {
  // Before and after the container only the store is waited for, and a preview that is cancelled has nothing to keep.
  const { signal, letGo = signal } = control;
  const over = AbortSignal.any([signal, letGo]);
  const parts = await orAborted(over, findParts(dependencies, request));
  const result = await runPreview(dependencies, request, parts, control);
  return orAborted(over, save(dependencies, request, parts, result));
}

/** What the preview is made with, from the store. */
async function findParts(dependencies: OperationDependencies, request: PreviewRequest) {
  const { store, config } = dependencies;
  const { input, containerKey } = request;
  const { stackId } = input;
  const record = (await readRecord(store, stackId))?.record;
  const options = engineOptions(withKeptBackend(input.options, record));
  const [snapshot, asked, keys] = await Promise.all([
    isStateInStore(config, options) ? loadSnapshot(store, record ?? { stackId }) : undefined,
    askedInputs(dependencies, request, record),
    store.stackKey(stackId),
  ]);
  const inputs = await resolveRunInputs(dependencies, stackId, asked.inputs, asked.credentials);
  refuseUnlock(input, record);
  return {
    record,
    asked,
    inputs,
    environment: asked.environment,
    snapshot,
    options,
    sealKey: keys.seal(`preview ${containerKey}`),
  };
}

/** Saves what the container found as a plan. */
async function save(
  dependencies: OperationDependencies,
  { input, operation, image }: PreviewRequest,
  { record, asked, inputs, environment, options }: Awaited<ReturnType<typeof findParts>>,
  { response, files }: ModuleRunResult,
): Promise<PlannedChanges> {
  const { store, config } = dependencies;
  const { stackId } = input;
  refuseFromNothing(config, options, record, response.state?.fingerprint);
  const changes: Buffer[] = [];
  for await (const change of allChanges(response, files, 'changes'))
    changes.push(changeLine(redacted(change, inputs)));
  const drift: Change[] = [];
  for await (const change of allChanges(response, files, 'drift')) drift.push(change);
  const { plan } = files;
  const bundle = createPlanBundle({
    subject: {
      stackId,
      operation,
      options,
      imports: input.imports ?? [],
      image: image.reference,
      engine: image.engine,
      toolVersion: response.tool?.version ?? 'unknown',
      environment,
      inputs: inputs.masked,
      secretInputs: [...inputs.secretInputs],
      // Who else uses a backend does not tell us: its state is what the container found.
      stateFingerprint:
        storedState(config, options, record)?.fingerprint ?? response.state?.fingerprint ?? null,
      stateLocation: stateLocation(config, options),
    },
    findings: redacted(findingsOf(response, changes, drift), inputs),
    changes,
    ...(plan === undefined ? {} : { plan: { content: plan, digest: await digestContent(plan) } }),
  });
  const note = await savePlan(store, bundle, {
    createdAt: new Date().toISOString(),
    maxAgeMs: config.planMaxAgeMs,
    ...(input.requestedBy === undefined ? {} : { requestedBy: input.requestedBy }),
    inputsRef: await storeInputs(store, asked.inputs),
    run: runNote(input, asked.credentials),
  });
  return plannedChanges(
    { bundle, note },
    { link: await planLink(dependencies, bundle), lostRun: record?.lostRun },
  );
}

/** A run of ours may be what holds the lock: it is cancelled, not robbed of it. */
function refuseUnlock({ stackId, options }: OperationInput, record: StackRecord | undefined): void {
  const open = record?.openRun;
  if (options?.unlock === undefined || open === undefined) return;
  throw new CodedError(
    'StackBusy',
    `${open.operation} of ${stackId} runs now and may hold the lock: cldctl-iac cancel ${stackId}; if it only waits for the lock, try again`,
  );
}

/** A saved plan as workflows carry it: as many changes as fit into history, and what an approval depends on. */
export function plannedChanges(
  saved: SavedPlan,
  { link, lostRun }: { link?: string | undefined; lostRun?: LostRun | undefined } = {},
): PlannedChanges {
  const view = planView(saved);
  return {
    view: {
      ...view,
      ...(link === undefined ? {} : { link }),
      ...(lostRun === undefined
        ? {}
        : { lostRun: besidePlan(lostRun, saved.bundle.changes.map(readSubject)) }),
      changes: fitting(view.changes, VIEW_BYTES),
      drift: fitting(view.drift, VIEW_BYTES / 2),
      // Rules and questions go by all of it.
      driftSummary: summarize(saved.bundle.findings.drift, 0),
      outputChanges: fitting(view.outputChanges, VIEW_BYTES / 2),
      checks: fitting(view.checks, VIEW_BYTES / 2),
      notices: fitting(view.notices, VIEW_BYTES / 2),
    },
    basis: approvalBasis(saved.bundle).basis,
  };
}

/** Where people read all of a plan; undefined without an endpoint. */
export async function planLink(
  { store, config }: Pick<OperationDependencies, 'store' | 'config'>,
  { subject: { stackId }, digest: planDigest }: PlanBundle,
): Promise<string | undefined> {
  if (config.httpUrl === undefined) return undefined;
  return signLink(store, config.httpUrl, { stackId, planDigest });
}

interface Asked {
  readonly inputs: Record<string, Json>;
  readonly environment: Record<string, string>;
  readonly credentials: readonly string[] | undefined;
}

/** What the plan is made with: the request's own, else the saved plan's, else what the stack was last applied with. */
async function askedInputs(
  { store }: OperationDependencies,
  { input, operation, basedOn }: PreviewRequest,
  record: StackRecord | undefined,
): Promise<Asked> {
  if (basedOn !== undefined && input.inputs === undefined) {
    const saved = await loadPlan(store, input.stackId, basedOn, { allowExpired: true });
    return {
      inputs: await readInputs(store, saved.note.inputsRef),
      environment: saved.bundle.subject.environment,
      credentials: input.credentials ?? (saved.note.run?.['credentials'] as string[] | undefined),
    };
  }
  const last = runToRepeat(record, operation);
  if (input.module === undefined && last !== undefined) {
    return {
      inputs: await readInputs(store, input.inputs ?? last.inputsRef),
      environment: input.environment ?? last.environment ?? {},
      credentials: input.credentials ?? last.credentials,
    };
  }
  return {
    inputs: await readInputs(store, input.inputs),
    environment: input.environment ?? {},
    credentials: input.credentials,
  };
}

function findingsOf(
  response: ModuleResponse,
  changes: readonly Buffer[],
  drift: readonly Change[],
) {
  const outputChanges = response.output_changes ?? [];
  return {
    summary: response.summary ?? summarize(changes.map(readSubject), outputChanges.length),
    outputChanges,
    drift: [...drift],
    checks: response.checks ?? [],
    notices: response.notices ?? [],
    hasUnknown: response.has_unknown ?? false,
  };
}

/** What the apply needs to run the same way. */
function runNote(
  { limits, options, module }: OperationInput,
  credentials: readonly string[] | undefined,
): Record<string, Json> {
  const note = { credentials, limits, dockerSocket: options?.dockerSocket, module };
  return parseJson(stringifyJson(note)) as Record<string, Json>;
}

function fitting<T>(items: readonly T[], bytes: number): T[] {
  const kept: T[] = [];
  let left = bytes;
  for (const item of items) {
    left -= canonicalJson(item as Json).length;
    if (left < 0) break;
    kept.push(item);
  }
  return kept;
}
