/** The typed client of services and of the command: starts, follows and decides operations. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  Client,
  Connection,
  isGrpcCancelledError,
  WithStartWorkflowOperation,
  type ConnectionLike,
  type ConnectionOptions,
  type WorkflowHandle,
  type WorkflowUpdateHandle,
} from '@temporalio/client';
import {
  DefaultFailureConverter,
  WorkflowExecutionAlreadyStartedError,
  type DataConverter,
  type PayloadCodec,
} from '@temporalio/common';
import {
  type Decision,
  type DecisionResult,
  type OperationInput,
  type OperationResult,
  type OperationState,
  type PlanView,
} from '../contract/operation.js';
import type { LogChunk } from '../contract/log.js';
import { CodedError } from '../errors.js';
import { refuseOtherRequest, requestDigest } from '../request-digest.js';
import {
  QUERY,
  readWorkflowId,
  stackWorkflowId,
  TASK_QUEUE,
  UPDATE,
  WORKFLOW,
} from '../temporal/names.js';
import { payloadConverter } from '../temporal/payload-converter.js';
import { operationSummary, visibilityQuery } from './operation-summary.js';
import { Schedules } from './schedules/schedules.js';
import { chunksByLink, followChunks, logsUnavailable, type ReadChunks } from './read-logs.js';
import { resultFromRecord } from './result-from-record.js';
import { resumeInput } from './resume-input.js';
import { retryView } from './retry-view.js';
import { stackBusy } from './stack-busy.js';
import { parseInput, startOptions } from './start-options.js';
import { isUnanswered, toCodedError } from './to-coded-error.js';
import { uiLink } from './ui-link.js';
import type {
  DecideOptions,
  FollowedState,
  OperationFilter,
  OperationSummary,
  OperationTarget,
  PlanReady,
  ResumeOptions,
  StackPage,
  StackSummary,
  StackView,
  StartedOperation,
} from './types.js';

export interface IacClientOptions {
  /** An open connection; the caller closes it. */
  readonly connection: ConnectionLike;
  /** Default `default`. */
  readonly namespace?: string;
  /** Base address of the Temporal UI, for links. */
  readonly uiUrl?: string;
  /** Milliseconds that a worker may take to answer, for a query twice; default 10,000. */
  readonly deadline?: number;
  /** Codecs that encrypt payloads, when the workers have them. */
  readonly payloadCodecs?: PayloadCodec[];
}

/** Milliseconds between two looks at an operation. */
const LOOK = 300;

interface CallOptions {
  readonly signal?: AbortSignal;
}

/** Starts, follows, decides and lists operations. Every error is a `CodedError`. */
export class IacClient {
  readonly #client: Client;
  readonly #deadline: number;
  readonly #uiUrl: string | undefined;
  readonly #namespace: string;
  /** Schedules of drift checks. */
  readonly schedules: Schedules;
  #close: () => Promise<void> = async () => {};

  constructor(options: IacClientOptions) {
    this.#namespace = options.namespace ?? 'default';
    this.#deadline = options.deadline ?? 10_000;
    this.#uiUrl = options.uiUrl?.replace(/\/+$/, '');
    this.#client = new Client({
      connection: options.connection,
      namespace: this.#namespace,
      // Loaded form: the SDK takes it, and a path would have to name a compiled file.
      dataConverter: {
        payloadConverter,
        failureConverter: new DefaultFailureConverter(),
        payloadCodecs: options.payloadCodecs ?? [],
      } as DataConverter,
    });
    this.schedules = new Schedules({
      client: this.#client,
      checkStack: (stackId) => this.stack(stackId),
      describeRun: (run) =>
        this.describe(run).catch((error: unknown) => {
          if (error instanceof CodedError && error.code === 'OperationNotFound') return undefined;
          throw error;
        }),
    });
  }

  /** Opens its own connection; throws `TemporalUnavailable` when no server answers. */
  static async connect(
    options: Omit<IacClientOptions, 'connection'> & { connectionOptions: ConnectionOptions },
  ): Promise<IacClient> {
    const address = options.connectionOptions.address ?? 'localhost:7233';
    const connection = await Connection.connect({
      connectTimeout: '5s',
      ...options.connectionOptions,
    }).catch((error: unknown) => {
      const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      throw new CodedError(
        'TemporalUnavailable',
        `no Temporal server answers at ${address} (${reason}); start one or set TEMPORAL_ADDRESS`,
        { cause: error },
      );
    });
    const client = new IacClient({ ...options, connection });
    client.#close = () => connection.close();
    return client;
  }

  /** Closes the connection that `connect` opened. */
  async close(): Promise<void> {
    await this.#close();
  }

  /**
   * Starts an operation; with a `requestId` the same call starts nothing twice.
   * Throws `StackBusy` (detail `running`) unless `onBusy: 'supersede'` can end what waits there.
   */
  async start(input: OperationInput): Promise<StartedOperation> {
    const valid = parseInput(input);
    return this.#withSupersede(valid, async () => {
      const handle = await this.#client.workflow.start(
        WORKFLOW.stackOperation,
        startOptions(valid),
      );
      return this.#started(valid.stackId, handle.workflowId, handle.firstExecutionRunId, false);
    });
  }

  /** Starts an operation and returns when its plan waits for a decision or it ended; no plan in time is no error. */
  async startAndWaitPlan(
    input: OperationInput,
    call: CallOptions = {},
  ): Promise<StartedOperation & { readonly ready: PlanReady }> {
    const valid = parseInput(input);
    let update: WorkflowUpdateHandle<PlanReady> | undefined;
    const started = await this.#withSupersede(valid, async () => {
      const operation = new WithStartWorkflowOperation(WORKFLOW.stackOperation, {
        ...startOptions(valid),
        workflowIdConflictPolicy: 'FAIL',
      });
      update = await this.#client.workflow.startUpdateWithStart<never, PlanReady, [object]>(
        UPDATE.waitPlan,
        { args: [{}], waitForStage: 'ACCEPTED', startWorkflowOperation: operation as never },
      );
      const handle = await operation.workflowHandle();
      return this.#started(valid.stackId, handle.workflowId, update.workflowRunId ?? '', false);
    });
    const accepted = update;
    const ready = await (accepted === undefined
      ? this.waitPlan(started, call)
      : this.#abortable(`stack ${valid.stackId}`, call.signal, () => accepted.result()));
    return { ...started, ready };
  }

  /**
   * Goes on after the stack's lost run: plans its operation again, and waits for a person whatever `approval.mode` says.
   * Throws `InvalidInput` when no run was lost, `StackNotFound`, `StackBusy`.
   */
  async resume(stackId: string, options: ResumeOptions = {}): Promise<StartedOperation> {
    return this.start(resumeInput(await this.stack(stackId), options));
  }

  /** Waits until the plan waits for a decision, or none is needed any more. */
  async waitPlan(target: OperationTarget, call: CallOptions = {}): Promise<PlanReady> {
    const handle = this.#handle(target);
    const subject = subjectOf(target);
    const update = await this.#call(subject, () =>
      handle.startUpdate<PlanReady, [object]>(UPDATE.waitPlan, {
        args: [{}],
        waitForStage: 'ACCEPTED',
      }),
    );
    return this.#abortable(subject, call.signal, () => update.result());
  }

  /** Where the operation is; needs a worker. */
  async state(target: OperationTarget): Promise<OperationState> {
    return this.#ask(subjectOf(target), () =>
      this.#handle(target).query<OperationState>(QUERY.state),
    );
  }

  /** The plan under review or applied, or undefined before there is one; needs a worker. */
  async plan(target: OperationTarget): Promise<PlanView | undefined> {
    const plan = await this.#ask(subjectOf(target), () =>
      this.#handle(target).query<PlanView | null>(QUERY.plan),
    );
    return plan ?? undefined;
  }

  /** Approves exactly the plan that the digest names. */
  async approve(target: OperationTarget, options: DecideOptions): Promise<DecisionResult> {
    return this.#decide(target, { ...options, decision: 'approve' });
  }

  /** Rejects the plan that the digest names; the operation ends `rejected`. */
  async reject(target: OperationTarget, options: DecideOptions): Promise<DecisionResult> {
    return this.#decide(target, { ...options, decision: 'reject' });
  }

  /** Asks the operation to end: a running tool gets one SIGINT and its grace. Returns when Temporal has the request. */
  async cancel(target: OperationTarget): Promise<void> {
    await this.#call(subjectOf(target), () => this.#handle(target).cancel());
  }

  /**
   * Releases the lock with this id that a tool left on a stack's state, by a preview of its refresh, which it starts. For
   * who knows that the holder is gone: OpenTofu releases that lock and no other, Pulumi all locks of the stack.
   */
  async unlock(
    stackId: string,
    lockId: string,
    input: Omit<OperationInput, 'stackId' | 'operation' | 'previewOf'> = {},
  ): Promise<StartedOperation> {
    return this.start({
      ...input,
      stackId,
      operation: 'preview',
      previewOf: 'refresh',
      options: { ...input.options, unlock: lockId },
    });
  }

  /** Kills the running container at once; says what that may have cost. */
  async kill(
    target: OperationTarget,
    options: { reason: string; by?: string },
  ): Promise<{ message: string }> {
    return this.#call(
      subjectOf(target),
      () =>
        this.#handle(target).executeUpdate<{ message: string }, [object]>(UPDATE.kill, {
          args: [options],
        }),
      60_000,
    );
  }

  /** Ends an operation that waits for approval; refused in every other phase. */
  async supersede(
    target: OperationTarget,
    options: { by: string; reason?: string },
  ): Promise<void> {
    await this.#call(subjectOf(target), () =>
      this.#handle(target).executeUpdate(UPDATE.supersede, { args: [options] }),
    );
  }

  /**
   * Waits for the end; throws what the run failed with. The result of a `duplicate` is the first operation's: from its
   * history, or from the stack's record (without receipt and outputs) when Temporal has forgotten it.
   */
  async result(target: OperationTarget, call: CallOptions = {}): Promise<OperationResult> {
    const subject = subjectOf(target);
    const result = await this.#abortable(
      subject,
      call.signal,
      () => this.#handle(target).result() as Promise<OperationResult>,
    );
    if (result.outcome !== 'duplicate' || result.other === undefined) return result;
    const { other } = result;
    return this.result(other, call).catch(async (error: unknown) => {
      if (!(error instanceof CodedError && error.code === 'OperationNotFound')) throw error;
      return resultFromRecord(await this.stack(result.stackId), other);
    });
  }

  /** Yields the operation's state at every change, until it ended; polls every `interval` ms (default 500). */
  async *follow(
    target: OperationTarget,
    options: CallOptions & { interval?: number } = {},
  ): AsyncGenerator<FollowedState> {
    const { signal } = options;
    let last = '';
    for (;;) {
      const [state, { status, retry }] = await Promise.all([
        this.state(target),
        this.describe(target),
      ]);
      const text = JSON.stringify([
        state.phase,
        state.planDigest,
        state.decisions.length,
        state.outcome,
        retry,
      ]);
      if (text !== last) yield { ...state, ...(retry === undefined ? {} : { retry }) };
      last = text;
      if (state.phase === 'done' || signal?.aborted === true || status !== 'running') return;
      await delay(options.interval ?? 500, undefined, signal === undefined ? {} : { signal }).catch(
        () => undefined,
      );
    }
  }

  /**
   * The log of an operation, all steps in order, secrets taken out; with `follow` also what comes, until the operation
   * is over. Needs a worker, and its HTTP endpoint (throws `LogsUnavailable` without), or another way to `read` it.
   */
  async *logs(
    target: OperationTarget,
    options: CallOptions & { follow?: boolean; read?: ReadChunks } = {},
  ): AsyncGenerator<LogChunk> {
    const { signal, follow = false } = options;
    const read = options.read ?? chunksByLink(await this.#logsLink(target, options), signal);
    if (!follow) return yield* followChunks(read);
    const stop = new AbortController();
    try {
      yield* followChunks(read, this.#over(target, stop.signal));
    } finally {
      stop.abort();
    }
  }

  async #logsLink(
    target: OperationTarget,
    { signal, follow }: CallOptions & { follow?: boolean },
  ): Promise<string> {
    for (;;) {
      const { logs, phase } = await this.state(target);
      if (logs !== undefined) return logs;
      // An operation's first step makes the link.
      if (follow !== true || phase !== 'detect') throw logsUnavailable();
      await delay(LOOK, undefined, signal === undefined ? {} : { signal });
    }
  }

  /** Fires when the operation is over, however it ends; `stop` gives up watching. */
  #over(target: OperationTarget, stop: AbortSignal): AbortSignal {
    const over = new AbortController();
    const watch = async (): Promise<void> => {
      try {
        await this.result(target, { signal: stop });
      } catch (error) {
        const isAway = error instanceof CodedError && error.code === 'TemporalUnavailable';
        if (!isAway) return;
        await delay(LOOK, undefined, { signal: stop });
        await watch();
      }
    };
    watch()
      .catch(() => undefined)
      .finally(() => over.abort());
    return over.signal;
  }

  /** The stack's record; throws `StackNotFound`. Needs a worker, not workflow history. */
  async stack(stackId: string): Promise<StackView> {
    return this.#read<StackView>(WORKFLOW.readStack, `stack ${stackId}`, stackId, { stackId });
  }

  /** All stacks with a record, by id; `prefix` leaves out others. Needs workers, not workflow history. */
  async *stacks(filter: { readonly prefix?: string } = {}): AsyncGenerator<StackSummary> {
    let from: string | undefined;
    do {
      const page: StackPage = await this.#read<StackPage>(WORKFLOW.listStacks, 'stacks', 'stacks', {
        ...filter,
        ...(from === undefined ? {} : { from }),
      });
      yield* page.stacks;
      from = page.next;
    } while (from !== undefined);
  }

  /** What only workers can read from the store, by a short workflow. */
  async #read<T>(type: string, subject: string, id: string, request: object): Promise<T> {
    const workflowId = readWorkflowId(id, randomUUID().slice(-12));
    return this.#call(subject, async () => {
      const handle = await this.#client.workflow.start(type, {
        workflowId,
        taskQueue: TASK_QUEUE,
        args: [request],
        workflowExecutionTimeout: this.#deadline,
      });
      return (await handle.result()) as T;
    });
  }

  /** The stack's outputs; sensitive ones without a value. Throws `StackNotFound`. */
  async outputs(stackId: string): Promise<StackView['outputs']> {
    return (await this.stack(stackId)).outputs;
  }

  /** The newest operation of a stack, or one operation. */
  async describe(target: OperationTarget): Promise<OperationSummary> {
    const description = await this.#call(subjectOf(target), () => this.#handle(target).describe());
    const retry = retryView(description.raw.pendingActivities);
    return {
      ...operationSummary(description, (workflowId, runId) => this.#uiLink(workflowId, runId)),
      ...(retry === undefined ? {} : { retry }),
    };
  }

  /** Operations, newest first, from Temporal's visibility store. */
  async *list(filter: OperationFilter = {}): AsyncGenerator<OperationSummary> {
    let left = filter.limit ?? 100;
    try {
      for await (const info of this.#client.workflow.list({ query: visibilityQuery(filter) })) {
        if (left-- <= 0) return;
        yield operationSummary(info, (workflowId, runId) => this.#uiLink(workflowId, runId));
      }
    } catch (error) {
      throw toCodedError(error, 'list');
    }
  }

  async #decide(target: OperationTarget, decision: Decision): Promise<DecisionResult> {
    return this.#call(subjectOf(target), () =>
      this.#handle(target).executeUpdate<DecisionResult, [Decision]>(UPDATE.decide, {
        args: [decision],
      }),
    );
  }

  async #withSupersede(
    input: OperationInput,
    start: () => Promise<StartedOperation>,
  ): Promise<StartedOperation> {
    const subject = `stack ${input.stackId}`;
    try {
      return await this.#call(subject, start);
    } catch (error) {
      if (!isAlreadyStarted(error)) throw error;
      const running = await this.#running(input);
      if ('attached' in running) return running;
      if (input.onBusy !== 'supersede') throw stackBusy(input.stackId, running);
      await this.supersede(running, { by: input.requestedBy ?? 'another operation' }).catch(
        (cause: unknown) => {
          // Ended in the meantime is what was wanted.
          if (!(cause instanceof CodedError && cause.code === 'OperationNotFound'))
            throw stackBusy(input.stackId, running, cause);
        },
      );
      await this.result(running).catch(() => undefined);
      return await this.#call(subject, start).catch((again: unknown) => {
        throw isAlreadyStarted(again) ? stackBusy(input.stackId, running, again) : again;
      });
    }
  }

  async #running(input: OperationInput): Promise<OperationSummary | StartedOperation> {
    const workflowId = startOptions(input).workflowId;
    const description = await this.#call(`stack ${input.stackId}`, () =>
      this.#client.workflow.getHandle(workflowId).describe(),
    );
    const { requestId } = input;
    if (requestId !== undefined && description.memo?.['requestId'] === requestId) {
      const digest = description.memo['requestDigest'] as string | undefined;
      refuseOtherRequest(
        { stackId: input.stackId, requestId, digest: requestDigest(input) },
        { workflowId, runId: description.runId, digest },
      );
      return this.#started(input.stackId, workflowId, description.runId, true);
    }
    return operationSummary(description, (id, runId) => this.#uiLink(id, runId));
  }

  #handle(target: OperationTarget): WorkflowHandle {
    return typeof target === 'string'
      ? this.#client.workflow.getHandle(stackWorkflowId(target))
      : this.#client.workflow.getHandle(target.workflowId, target.runId);
  }

  #started(
    stackId: string,
    workflowId: string,
    runId: string,
    attached: boolean,
  ): StartedOperation {
    const uiUrl = this.#uiLink(workflowId, runId);
    return { stackId, workflowId, runId, attached, ...(uiUrl === undefined ? {} : { uiUrl }) };
  }

  #uiLink(workflowId: string, runId: string): string | undefined {
    return uiLink(this.#uiUrl, this.#namespace, workflowId, runId);
  }

  /** One call with a deadline; what passes it had no worker to answer. */
  async #call<T>(subject: string, call: () => Promise<T>, deadline = this.#deadline): Promise<T> {
    try {
      return await this.#client.withDeadline(Date.now() + deadline, call);
    } catch (error) {
      if (isAlreadyStarted(error)) throw error;
      throw toCodedError(error, subject);
    }
  }

  /** A question changes nothing: one that got lost between Temporal and a worker is asked once more. */
  async #ask<T>(subject: string, question: () => Promise<T>): Promise<T> {
    return this.#call(subject, question).catch((error: unknown) => {
      if (error instanceof CodedError && isUnanswered(error)) return this.#call(subject, question);
      throw error;
    });
  }

  /** A call that may take days: no deadline, but an end by signal. */
  async #abortable<T>(
    subject: string,
    signal: AbortSignal | undefined,
    call: () => Promise<T>,
  ): Promise<T> {
    try {
      return signal === undefined ? await call() : await this.#client.withAbortSignal(signal, call);
    } catch (error) {
      if (signal?.aborted === true || isGrpcCancelledError(error)) signal?.throwIfAborted();
      throw toCodedError(error, subject);
    }
  }
}

function isAlreadyStarted(error: unknown): boolean {
  return error instanceof WorkflowExecutionAlreadyStartedError;
}

function subjectOf(target: OperationTarget): string {
  return typeof target === 'string' ? `stack ${target}` : target.workflowId;
}
