/** Brings an attempt to its end: state first, then the result, then the record; any step can be repeated. */
import type { Content } from '../content.js';
import type { Failure } from '../contract/error-code.js';
import { receiptCountsSchema, type Receipt } from '../contract/change.js';
import { parseJson, stringifyJson, type Json } from '../contract/json.js';
import type { ModuleResponse } from '../contract/response.js';
import type { ModuleRunResult } from '../docker/module-run.js';
import { readSubject } from '../plan/change-line.js';
import { untrackedResources } from '../plan/lost-run.js';
import { compareReceipt, type DoneEvent } from '../plan/receipt.js';
import {
  closeRun,
  markEnded,
  type Attempt,
  type AttemptRef,
  type AttemptResult,
} from '../stack/attempt-store.js';
import {
  recordStateSchema,
  type LastApplied,
  type OperationEntry,
  type StackRecord,
} from '../stack/record.js';
import { storeVersion, withSnapshot } from '../state/snapshot.js';
import { removeRun } from '../docker/inspect-run.js';
import type { AttemptContext } from './attempt-context.js';
import { endAsNothing } from './attempt-place.js';
import type { OperationDependencies } from './dependencies.js';
import { lockedFailure } from './lock-holder.js';
import { isUnseen, lostRunAfter, type LostFindings } from './lost-run-mark.js';
import { failureError, moduleFailure, redacted } from './module-failure.js';
import { stateElsewhere } from './state-place.js';
import { trackedResources } from './tracked-resources.js';
import type { Executed } from './types.js';

/** Longest output value, as JSON, that a result carries through history. */
const OUTPUT_LENGTH = 8 * 1024;

/** Failures of a run that could not begin, and can when it is tried again later. */
const WAITED_FOR: readonly string[] = ['StateLocked', 'StoreUnavailable'];

type StoredState = Awaited<ReturnType<typeof storeVersion>>;

/** A state in a backend; `unwritten` is the version in the store of what the tool could not write there. */
type BackendState = NonNullable<ReturnType<typeof stateElsewhere>> & {
  readonly unwritten?: number;
};

/** What a second asker of the same result needs; kept with the attempt. */
interface Ended {
  readonly executed: Executed;
  readonly failure?: Failure;
  readonly outputs?: StackRecord['outputs'];
  readonly state?: StoredState | BackendState;
  /** Operations that were under way at the end, and resources that the state does not have. */
  readonly lost?: Pick<LostFindings, 'open' | 'untracked'>;
}

/** Stores what a container answered and returns it; throws the failure that it answered. */
export async function completeAttempt(
  dependencies: OperationDependencies,
  context: AttemptContext,
  attempt: Attempt,
  result: ModuleRunResult,
  events: readonly DoneEvent[],
): Promise<Executed> {
  const { response } = result;
  const at = new Date().toISOString();
  const state = await storeState(dependencies, context, response, result.files.state, at);
  const receipt =
    response.receipt ??
    compareReceipt(approvedOf(context), events, response.success ? 'succeeded' : 'failed');
  const failure = toldUnwritten(failureOf(context, result, receipt), context, state);
  if (failure !== undefined && WAITED_FOR.includes(failure.code) && didNothing(receipt)) {
    // Another holds the tool's lock, or the backend is away: nothing was done, so that this plan may be tried again.
    await endAsNothing(dependencies, attempt);
    await removeRun(dependencies.engine, context.containerName);
    const { stackId } = context.request;
    const holder = redacted(response.state?.lock, context.inputs);
    const refused = { own: context.containerName, options: context.saved.bundle.subject.options };
    throw failureError(await lockedFailure(dependencies, stackId, failure, holder, refused));
  }
  const interrupted = result.stopped === 'cancelled' && !response.success;
  const executed: Executed = {
    interrupted,
    receipt: redacted(receipt, context.inputs),
    outputs: redacted(maskOutputs(response.outputs), context.inputs),
    notices: redacted(noticesOf(result), context.inputs),
    ...(failure === undefined ? {} : { failure }),
  };
  const ended: Ended = {
    executed,
    ...(failure === undefined || interrupted ? {} : { failure }),
    ...(response.success
      ? { outputs: response.outputs as NonNullable<StackRecord['outputs']> }
      : {}),
    ...(state === undefined ? {} : { state }),
    ...(isUnseen(failure)
      ? { lost: await lostFindings(dependencies, context, result, events) }
      : {}),
  };
  return finishAttempt(dependencies, context, attempt, {
    outcome: interrupted ? 'interrupted' : failure === undefined ? 'succeeded' : 'failed',
    exitCode: result.exitCode,
    ...(state === undefined || !('version' in state) ? {} : { stateVersion: state.version }),
    ...(failure === undefined ? {} : { failure }),
    data: parseJson(stringifyJson(ended)),
    at,
  });
}

function approvedOf({ request, saved }: AttemptContext): Parameters<typeof compareReceipt>[0] {
  return request.operation === 'refresh' ? [] : saved.bundle.changes.map(readSubject);
}

/** What has to be looked at after a tool that was killed, or whose state is damaged. */
async function lostFindings(
  dependencies: OperationDependencies,
  context: AttemptContext,
  { response, files }: ModuleRunResult,
  events: readonly DoneEvent[],
): Promise<NonNullable<Ended['lost']>> {
  const tracked = await trackedResources(dependencies, context, files.state);
  const open = response.state?.pending ?? [];
  return redacted({ open, untracked: untrackedResources(events, tracked) }, context.inputs);
}

function didNothing({ done, failed, unapproved }: Receipt): boolean {
  return done + failed + unapproved === 0;
}

/** The result of an attempt that ended before; closes its run when that was not reached. */
export async function returnResult(
  dependencies: OperationDependencies,
  context: AttemptContext,
  attempt: Attempt,
): Promise<Executed> {
  return finishAttempt(dependencies, context, attempt, attempt.result as AttemptResult);
}

/** Marks the end, unbinds the stack, and gives the result as the caller gets it. */
export async function finishAttempt(
  { store }: OperationDependencies,
  context: AttemptContext,
  attempt: Attempt,
  result: AttemptResult,
): Promise<Executed> {
  const stands = await markEnded(store, attempt, result);
  const ended = stands.data as unknown as Ended;
  await closeRun(store, attempt, (record) =>
    changedRecord(record, context, attempt, stands, ended),
  );
  if (ended.failure !== undefined) throw failureError(ended.failure, true);
  return ended.executed;
}

function changedRecord(
  record: StackRecord,
  context: AttemptContext,
  attempt: AttemptRef,
  result: AttemptResult,
  { executed, outputs, state, failure, lost }: Ended,
): StackRecord {
  const { request, saved, run } = context;
  const { subject } = saved.bundle;
  const { receipt } = executed;
  const entry: OperationEntry = {
    operation: request.operation,
    planDigest: request.planDigest,
    outcome: failure?.code ?? (executed.interrupted ? 'OperationCanceled' : 'succeeded'),
    at: result.at,
    ...run,
    image: subject.image,
    summary: saved.bundle.findings.summary,
    decisions: [...request.decisions],
    ...(request.input.requestedBy === undefined ? {} : { by: request.input.requestedBy }),
    ...(receipt === undefined ? {} : { receipt: receiptCountsSchema.parse(receipt) }),
    ...(result.stateVersion === undefined ? {} : { stateVersion: result.stateVersion }),
  };
  const named =
    state === undefined
      ? record
      : 'version' in state
        ? withSnapshot(record, state)
        : { ...record, state: recordStateSchema.parse({ ...state, at: result.at }) };
  const done = failure === undefined && !executed.interrupted;
  const ranWith = whatRan(context, result.at);
  const { drift, lostRun: old, ...rest } = named;
  const lostRun = lostRunAfter(old, context, attempt, result, { receipt, ...lost });
  const settled = done && (request.operation === 'refresh' || request.operation === 'apply');
  return {
    ...rest,
    // What was accepted or put back is news when it comes again.
    ...(drift === undefined || settled ? {} : { drift }),
    ...(lostRun === undefined ? {} : { lostRun }),
    engine: subject.engine,
    ...(result.outcome === 'nothing-ran' ? {} : { lastRun: ranWith }),
    operations: [...record.operations, entry],
    ...(outputs === undefined ? {} : { outputs }),
    ...(done && request.operation !== 'destroy'
      ? { image: subject.image, lastApplied: ranWith }
      : {}),
  };
}

function whatRan({ request, saved }: AttemptContext, at: string): LastApplied {
  const { subject } = saved.bundle;
  const { inputsRef, run } = saved.note;
  const credentials = run?.['credentials'] as string[] | undefined;
  const module = run?.['module'] as LastApplied['module'];
  return {
    planDigest: request.planDigest,
    image: subject.image,
    engine: subject.engine,
    toolVersion: subject.toolVersion,
    environment: subject.environment,
    at,
    ...(inputsRef === undefined ? {} : { inputsRef }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(module === undefined ? {} : { module }),
  };
}

/** Puts the state into the store before anything says that it is there. */
export async function storeState(
  { store, config }: OperationDependencies,
  { request, saved }: AttemptContext,
  response: ModuleResponse,
  content: Content | undefined,
  at: string,
): Promise<Ended['state']> {
  const { fingerprint = null, serial, lineage, resources } = response.state ?? {};
  const { engine, options } = saved.bundle.subject;
  const inBackend =
    response.state?.fingerprint === undefined
      ? undefined
      : stateElsewhere(config, options, fingerprint);
  if (content === undefined) return inBackend;
  const stored = await storeVersion(store, request.stackId, content, {
    engine,
    fingerprint,
    ...(serial === undefined ? {} : { serial }),
    ...(lineage === undefined ? {} : { lineage }),
    ...(resources === undefined ? {} : { resources }),
    operation: request.operation,
    planDigest: request.planDigest,
    ...(request.input.requestedBy === undefined ? {} : { by: request.input.requestedBy }),
    at,
  });
  return inBackend === undefined ? stored : { ...inBackend, unwritten: stored.version };
}

/** How a person gets at a state that is not where it belongs. */
export function unwrittenAdvice(stackId: string, version: number): string {
  return `the state that the backend does not have is kept: cldctl-iac state export ${stackId} ${version}`;
}

function toldUnwritten(
  failure: Failure | undefined,
  { request }: AttemptContext,
  state: Ended['state'],
): Failure | undefined {
  if (failure === undefined || state === undefined || !('unwritten' in state)) return failure;
  const advice = unwrittenAdvice(request.stackId, state.unwritten ?? 0);
  return { ...failure, message: `${failure.message}; ${advice}` };
}

function failureOf(
  { request, inputs }: AttemptContext,
  { response, stopped }: ModuleRunResult,
  receipt: Receipt,
): Failure | undefined {
  const detail = { receipt: redacted(receipt, inputs) };
  if (receipt.unapproved > 0) {
    const first = receipt.entries.find(({ status }) => status === 'unapproved');
    return {
      code: 'PlanViolated',
      message: `${receipt.unapproved} changes were done that nobody approved, first ${first?.action ?? ''} ${first?.resource ?? ''}; look at the receipt`,
      detail,
    };
  }
  if (response.success) return undefined;
  const failure = moduleFailure(response, inputs);
  const code = stopped === 'timeout' ? 'ModuleTimedOut' : failure.code;
  const message =
    stopped === 'timeout'
      ? `the ${request.operation} did not end within ${request.input.limits?.runTimeout ?? '1h'} and was stopped; its state is safe`
      : failure.message;
  return { code, message, detail: { ...failure.detail, ...detail } };
}

/** Outputs as a result carries them: sensitive ones and very long ones without a value. */
function maskOutputs(outputs: ModuleResponse['outputs']): Executed['outputs'] {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { value, sensitive }]) => [
      name,
      sensitive === true ? { sensitive } : isLong(value) ? {} : { value },
    ]),
  );
}

function isLong(value: Json): boolean {
  return stringifyJson(value).length > OUTPUT_LENGTH;
}

function noticesOf({ response, dropped, killed, oomKilled }: ModuleRunResult): string[] {
  const long = Object.entries(response.outputs).filter(
    ([, { value, sensitive }]) => sensitive !== true && isLong(value),
  );
  return [
    ...long.map(([name]) => `output ${name} is long: read it with "cldctl-iac outputs"`),
    ...(response.notices ?? []),
    ...(dropped > 0 ? [`${dropped} bytes of output were dropped`] : []),
    ...(killed ? ['the tool did not end within its grace and was killed'] : []),
    ...(oomKilled ? ['a process in the container ran out of memory'] : []),
  ];
}
