/** The typed client of services and of the command: starts, follows and decides operations. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  Client,
  Connection,
  type ConnectionLike,
  type ConnectionOptions,
} from '@temporalio/client';
import { DefaultFailureConverter, type DataConverter, type PayloadCodec } from '@temporalio/common';
import type {
  Decision,
  DecisionResult,
  OperationInput,
  OperationResult,
  OperationState,
  PlanView,
} from '../contract/operation.js';
import type { LogChunk } from '../contract/log.js';
import { CodedError } from '../errors.js';
import { QUERY, UPDATE, WORKFLOW } from '../temporal/names.js';
import { payloadConverter } from '../temporal/payload-converter.js';
import { operationLog, type LogOptions } from './operation-log.js';
import { operationSummary, visibilityQuery } from './operation-summary.js';
import { Schedules } from './schedules/schedules.js';
import { resultFromRecord } from './result-from-record.js';
import { resumeInput } from './resume-input.js';
import { retryView } from './retry-view.js';
import { startOperation, type Supersede } from './start-operation.js';
import {
  createTemporalCalls,
  operationOf,
  subjectOf,
  type TemporalCalls,
} from './temporal-calls.js';
import { isUnanswered, stillStarted, toCodedError } from './to-coded-error.js';
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

interface CallOptions {
  readonly signal?: AbortSignal;
}

/** Starts, follows, decides and lists operations. Every error is a `CodedError`. */
export class IacClient {
  readonly #calls: TemporalCalls;
  /** Schedules of drift checks. */
  readonly schedules: Schedules;
  #close: () => Promise<void> = async () => {};

  constructor(options: IacClientOptions) {
    const namespace = options.namespace ?? 'default';
    const client = new Client({
      connection: options.connection,
      namespace,
      // Loaded form: the SDK takes it, and a path would have to name a compiled file.
      dataConverter: {
        payloadConverter,
        failureConverter: new DefaultFailureConverter(),
        payloadCodecs: options.payloadCodecs ?? [],
      } as DataConverter,
    });
    this.#calls = createTemporalCalls({
      client,
      namespace,
      uiUrl: options.uiUrl?.replace(/\/+$/, ''),
      deadline: options.deadline ?? 10_000,
    });
    this.schedules = new Schedules({
      client,
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
    return startOperation(this.#calls, input, this.#supersede);
  }

  /**
   * Starts an operation and returns when its plan waits for a decision or it ended; no plan in time is no error. Throws
   * `TemporalUnavailable` with `detail.operation` when it was started and no worker answers yet.
   */
  async startAndWaitPlan(
    input: OperationInput,
    call: CallOptions = {},
  ): Promise<StartedOperation & { readonly ready: PlanReady }> {
    const started = await this.start(input);
    return { ...started, ready: await this.waitPlan(started, call) };
  }

  /**
   * Goes on after the stack's lost run: plans its operation again, and waits for a person whatever `approval.mode` says.
   * Throws `InvalidInput` when no run was lost, `StackNotFound`, `StackBusy`.
   */
  async resume(stackId: string, options: ResumeOptions = {}): Promise<StartedOperation> {
    return this.start(resumeInput(await this.stack(stackId), options));
  }

  /**
   * Waits until the plan waits for a decision, or none is needed any more; throws what the operation failed with. Throws
   * `TemporalUnavailable` when no worker answers: the operation is there all the same, and goes on when one does.
   */
  async waitPlan(target: OperationTarget, call: CallOptions = {}): Promise<PlanReady> {
    const handle = this.#calls.handle(target);
    const subject = subjectOf(target);
    try {
      const update = await this.#calls.call(subject, () =>
        handle.startUpdate<PlanReady, [object]>(UPDATE.waitPlan, {
          args: [{}],
          waitForStage: 'ACCEPTED',
        }),
      );
      return await this.#calls.abortable(subject, call.signal, () => update.result());
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      if (isUnanswered(error)) throw stillStarted(operationOf(target), error);
      if (error.code !== 'OperationNotFound') throw error;
      // A run that is over takes no update any more: its result, or failure, is there.
      const { planDigest, summary, outcome } = await this.result(target, call);
      return {
        phase: 'done',
        outcome,
        ...(planDigest === undefined ? {} : { planDigest }),
        ...(summary === undefined ? {} : { summary }),
      };
    }
  }

  /** Where the operation is; needs a worker. */
  async state(target: OperationTarget): Promise<OperationState> {
    return this.#calls.ask(subjectOf(target), () =>
      this.#calls.handle(target).query<OperationState>(QUERY.state),
    );
  }

  /** The plan under review or applied, or undefined before there is one; needs a worker. */
  async plan(target: OperationTarget): Promise<PlanView | undefined> {
    const plan = await this.#calls.ask(subjectOf(target), () =>
      this.#calls.handle(target).query<PlanView | null>(QUERY.plan),
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
    await this.#calls.call(subjectOf(target), () => this.#calls.handle(target).cancel());
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
    return this.#calls.call(
      subjectOf(target),
      () =>
        this.#calls.handle(target).executeUpdate<{ message: string }, [object]>(UPDATE.kill, {
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
    await this.#calls.call(subjectOf(target), () =>
      this.#calls.handle(target).executeUpdate(UPDATE.supersede, { args: [options] }),
    );
  }

  /**
   * Waits for the end; throws what the run failed with. The result of a `duplicate` is the first operation's: from its
   * history, or from the stack's record (without receipt and outputs) when Temporal has forgotten it.
   */
  async result(target: OperationTarget, call: CallOptions = {}): Promise<OperationResult> {
    const subject = subjectOf(target);
    const result = await this.#calls.abortable(
      subject,
      call.signal,
      () => this.#calls.handle(target).result() as Promise<OperationResult>,
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
  async *logs(target: OperationTarget, options: LogOptions = {}): AsyncGenerator<LogChunk> {
    yield* operationLog(this, target, options);
  }

  /** The stack's record; throws `StackNotFound`. Needs a worker, not workflow history. */
  async stack(stackId: string): Promise<StackView> {
    return this.#calls.read<StackView>(WORKFLOW.readStack, `stack ${stackId}`, stackId, {
      stackId,
    });
  }

  /**
   * All stacks with a record, by id, or those whose id begins with `prefix`, or with a run that was lost. Needs workers, not
   * workflow history.
   */
  async *stacks(
    filter: { readonly prefix?: string; readonly lost?: true } = {},
  ): AsyncGenerator<StackSummary> {
    let from: string | undefined;
    do {
      const page: StackPage = await this.#calls.read<StackPage>(
        WORKFLOW.listStacks,
        'stacks',
        'stacks',
        {
          ...filter,
          ...(from === undefined ? {} : { from }),
        },
      );
      yield* page.stacks;
      from = page.next;
    } while (from !== undefined);
  }

  /** The stack's outputs; sensitive ones without a value. Throws `StackNotFound`. */
  async outputs(stackId: string): Promise<StackView['outputs']> {
    return (await this.stack(stackId)).outputs;
  }

  /** The newest operation of a stack, or one operation. */
  async describe(target: OperationTarget): Promise<OperationSummary> {
    const description = await this.#calls.call(subjectOf(target), () =>
      this.#calls.handle(target).describe(),
    );
    const retry = retryView(description.raw.pendingActivities);
    return {
      ...operationSummary(description, this.#calls.uiLink),
      ...(retry === undefined ? {} : { retry }),
    };
  }

  /** Operations, newest first, from Temporal's visibility store. */
  async *list(filter: OperationFilter = {}): AsyncGenerator<OperationSummary> {
    let left = filter.limit ?? 100;
    try {
      for await (const info of this.#calls.client.workflow.list({
        query: visibilityQuery(filter),
      })) {
        if (left-- <= 0) return;
        yield operationSummary(info, this.#calls.uiLink);
      }
    } catch (error) {
      throw toCodedError(error, 'list');
    }
  }

  async #decide(target: OperationTarget, decision: Decision): Promise<DecisionResult> {
    return this.#calls.call(subjectOf(target), () =>
      this.#calls.handle(target).executeUpdate<DecisionResult, [Decision]>(UPDATE.decide, {
        args: [decision],
      }),
    );
  }

  readonly #supersede: Supersede = async (running, by) => {
    await this.supersede(running, { by });
    await this.result(running).catch(() => undefined);
  };
}
