/** Attempts in the store: marks that are created once, and the stack's open run that points at one of them. */
import * as z from 'zod';
import { jsonSchema } from '../contract/change.js';
import { failureSchema } from '../contract/error-code.js';
import { parseJsonFast, stringifyJson } from '../contract/json.js';
import { digestSchema } from '../contract/request.js';
import { CodedError } from '../errors.js';
import type { Store } from '../store/open-store.js';
import { damagedObject } from '../store/store-error.js';
import { isTransition, type AttemptStatus } from './attempt.js';
import {
  newRecord,
  openRunSchema,
  updateRecord,
  type NumberedRecord,
  type OpenRun,
  type StackRecord,
} from './record.js';

/** How an attempt ended. */
export const attemptResultSchema = z.looseObject({
  /** `nothing-ran` is proof that the same plan may be tried again. */
  outcome: z.enum(['succeeded', 'failed', 'interrupted', 'unknown', 'nothing-ran']),
  exitCode: z.number().int().optional(),
  /** Artefact with the module's whole answer. */
  response: digestSchema.optional(),
  /** Version of the state snapshot that was harvested. */
  stateVersion: z.number().int().optional(),
  failure: failureSchema.optional(),
  /** Anything else that a second asker of the same result needs. */
  data: jsonSchema.optional(),
  at: z.string(),
});
export type AttemptResult = z.infer<typeof attemptResultSchema>;

const startSchema = z.object({ containerId: z.string(), at: z.string() });

/** One attempt to run an approved plan. */
export interface Attempt {
  readonly stackId: string;
  readonly planDigest: string;
  /** 1 for the first attempt of a plan. */
  readonly attempt: number;
  readonly status: AttemptStatus;
  readonly run: OpenRun;
  readonly started?: z.infer<typeof startSchema>;
  readonly result?: AttemptResult;
}

/** Names an attempt. */
export type AttemptRef = Pick<Attempt, 'stackId' | 'planDigest' | 'attempt'>;

/** What a new attempt is opened with; `attempt` is given by the store. */
export type NewRun = Omit<OpenRun, 'attempt'>;

/** What `openAttempt` found or made. */
export interface OpenedAttempt {
  /** False: this attempt was there before, go by `decideAttempt`. */
  readonly fresh: boolean;
  readonly attempt: Attempt;
}

/**
 * Binds the stack to a mutating run. Returns the attempt of this plan that is open or has a result;
 * makes the next one only when there is none, or when the last one ended as `nothing-ran`.
 * Throws `StackBusy` (detail `openRun`) while the stack is bound to the run of another plan.
 */
export async function openAttempt(
  store: Store,
  stackId: string,
  run: NewRun,
): Promise<OpenedAttempt> {
  const last = await lastAttempt(store, stackId, run.planDigest);
  if (last?.status === 'ended' && last.result?.outcome !== 'nothing-ran') {
    return { fresh: false, attempt: last };
  }
  // An attempt that is under way stays the one it is, with its engine, even if the record lost it.
  const underWay = last === undefined || last.status === 'ended' ? undefined : last.run;
  const number = underWay?.attempt ?? (last?.attempt ?? 0) + 1;
  let fresh = false;
  const { record } = await updateRecord(store, stackId, (current) => {
    const open = current?.openRun;
    if (open && open.planDigest !== run.planDigest) throw busy(stackId, open);
    const isBound = open !== undefined && open.attempt >= number;
    fresh = !isBound && underWay === undefined;
    if (isBound && current) return current;
    return {
      ...(current ?? newRecord(stackId, run.at)),
      openRun: underWay ?? { ...run, attempt: number },
    };
  });
  const open = record.openRun as OpenRun;
  const ref = { stackId, planDigest: open.planDigest, attempt: open.attempt };
  const marked = await store.objects.create(
    markKey(ref, 'intended'),
    Buffer.from(stringifyJson(open)),
  );
  const intended: Attempt = { ...ref, status: 'intended', run: open };
  return { fresh, attempt: (marked ? undefined : await readAttempt(store, ref)) ?? intended };
}

/**
 * Marks an attempt as started: call it after the container was created and before it is started.
 * The same container again is no error. Throws `OutcomeUnknown` when another container was marked.
 */
export async function markStarted(
  store: Store,
  ref: AttemptRef,
  containerId: string,
  at: string,
): Promise<void> {
  const mark = Buffer.from(stringifyJson({ containerId, at }));
  if (await store.objects.create(markKey(ref, 'started'), mark)) return;
  const first = await readMark(store, ref, 'started', startSchema);
  if (first?.containerId === containerId) return;
  throw new CodedError(
    'OutcomeUnknown',
    `attempt ${ref.attempt} on stack ${ref.stackId} was started in container ${first?.containerId ?? '?'}: it can't be started in a second one`,
  );
}

/** Records the result of an attempt; the first result stands and is returned. */
export async function markEnded(
  store: Store,
  ref: AttemptRef,
  result: AttemptResult,
): Promise<AttemptResult> {
  const found = await readAttempt(store, ref);
  if (found?.result) return found.result;
  if (!found || !isTransition(found.status, 'ended')) {
    throw new CodedError(
      'InternalError',
      `attempt ${ref.attempt} on stack ${ref.stackId} was never opened`,
    );
  }
  if (found.status === 'intended' && result.outcome !== 'nothing-ran') {
    await markStarted(store, ref, found.run.containerName, result.at);
  }
  const bytes = Buffer.from(stringifyJson(attemptResultSchema.parse(result)));
  if (await store.objects.create(markKey(ref, 'ended'), bytes)) return result;
  return (await readMark(store, ref, 'ended', attemptResultSchema)) ?? result;
}

/**
 * Unbinds the stack from an attempt and records what it brought, in one write.
 * Does nothing when the stack is not bound to this attempt any more.
 */
export async function closeRun(
  store: Store,
  ref: AttemptRef,
  change: (record: StackRecord) => StackRecord,
): Promise<NumberedRecord> {
  return updateRecord(store, ref.stackId, (current) => {
    if (!current) {
      throw new CodedError(
        'StateDamaged',
        `the record of stack ${ref.stackId} is gone: restore the store from its backup`,
      );
    }
    const open = current.openRun;
    if (open?.planDigest !== ref.planDigest || open.attempt !== ref.attempt) return current;
    const { openRun: _closed, ...record } = change(current);
    return record;
  });
}

/** An attempt with its marks, or undefined when it was never opened. */
export async function readAttempt(store: Store, ref: AttemptRef): Promise<Attempt | undefined> {
  const [run, started, result] = await Promise.all([
    readMark(store, ref, 'intended', openRunSchema),
    readMark(store, ref, 'started', startSchema),
    readMark(store, ref, 'ended', attemptResultSchema),
  ]);
  if (!run) {
    if (!started && !result) return undefined;
    throw damagedObject(markKey(ref, 'intended'), 'it is gone, but the attempt was started');
  }
  return {
    stackId: ref.stackId,
    planDigest: ref.planDigest,
    attempt: ref.attempt,
    status: result ? 'ended' : started ? 'started' : 'intended',
    run,
    ...(started && { started }),
    ...(result && { result }),
  };
}

/** The newest attempt of a plan, or undefined when it was never tried. */
export async function lastAttempt(
  store: Store,
  stackId: string,
  planDigest: string,
): Promise<Attempt | undefined> {
  let newest = 0;
  for await (const { key } of store.objects.list(`${planPrefix(stackId, planDigest)}/`)) {
    newest = Math.max(newest, Number(key.split('/').at(-1)?.split('.')[0]));
  }
  return newest === 0 ? undefined : readAttempt(store, { stackId, planDigest, attempt: newest });
}

/** True when a mutating run was ever intended on the stack. */
export async function hasAttempts(store: Store, stackId: string): Promise<boolean> {
  for await (const _ of store.objects.list(`attempts/${stackId}/`)) return true;
  return false;
}

function busy(stackId: string, open: OpenRun): CodedError {
  return new CodedError(
    'StackBusy',
    `stack ${stackId} is bound to a run of plan ${open.planDigest.slice(0, 23)} that was not harvested yet (${open.workflowId}): let that finish first`,
    { detail: { openRun: open } },
  );
}

function planPrefix(stackId: string, planDigest: string): string {
  return `attempts/${stackId}/${planDigest.replace('sha256:', '')}`;
}

function markKey(ref: AttemptRef, status: AttemptStatus): string {
  const number = String(ref.attempt).padStart(6, '0');
  return `${planPrefix(ref.stackId, ref.planDigest)}/${number}.${status}`;
}

async function readMark<T>(
  store: Store,
  ref: AttemptRef,
  status: AttemptStatus,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const key = markKey(ref, status);
  const bytes = await store.objects.get(key);
  if (!bytes) return undefined;
  try {
    return schema.parse(parseJsonFast(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    throw damagedObject(key, 'not a mark of this version', error);
  }
}
