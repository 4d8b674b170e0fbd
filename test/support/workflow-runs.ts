/**
 * Workflow runs in the SDK's real sandbox, driven by hand and without a server: virtual time, activities as plain
 * functions. Uses the SDK's internal paths; retries, heartbeats and queues are not simulated.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  DefaultFailureConverter,
  RetryState,
} from '@temporalio/common';
import proto from '@temporalio/proto';
import { parseWorkflowCode } from '@temporalio/worker/lib/worker.js';
import { ReusableVMWorkflowCreator } from '@temporalio/worker/lib/workflow/reusable-vm.js';
import { bundleWorkflows } from '../../src/temporal/bundle-workflows.js';
import { payloadConverter } from '../../src/temporal/payload-converter.js';

const { WorkflowActivation } = proto.coresdk.workflow_activation;
const failures = new DefaultFailureConverter();
const ACTIVITIES = new Set(['prepare', 'record', 'readStack']);

type Sandbox = Awaited<ReturnType<ReusableVMWorkflowCreator['createWorkflow']>>;
type Payload = Parameters<typeof payloadConverter.fromPayload>[0];
/** A command as the sandbox gives it; only the members that are looked at. */
interface Command {
  startTimer?: {
    seq: number;
    startToFireTimeout: Duration;
  };
  cancelTimer?: { seq: number };
  scheduleActivity?: Scheduled;
  scheduleLocalActivity?: Scheduled;
  requestCancelActivity?: { seq: number };
  completeWorkflowExecution?: { result?: Payload };
  failWorkflowExecution?: { failure: Parameters<DefaultFailureConverter['failureToError']>[0] };
  cancelWorkflowExecution?: { details?: { payloads?: Payload[] } };
  updateResponse?: {
    protocolInstanceId: string;
    rejected?: Parameters<DefaultFailureConverter['failureToError']>[0];
    completed?: Payload;
  };
  upsertWorkflowSearchAttributes?: {
    searchAttributes?: { indexedFields?: Record<string, Payload> };
  };
  respondToQuery?: { succeeded?: { response?: Payload }; failed?: { message?: string } };
}
interface Scheduled {
  seq: number;
  activityType: string;
  activityId: string;
  taskQueue?: string;
  arguments?: Payload[];
  retryPolicy?: RetryPolicy;
  scheduleToCloseTimeout?: Duration;
}
interface Duration {
  seconds?: number | { toNumber(): number };
  nanos?: number;
}
interface RetryPolicy {
  initialInterval?: Duration;
  backoffCoefficient?: number;
  maximumInterval?: Duration;
  maximumAttempts?: number;
}
/** When a step that fails is tried again, in milliseconds; `attempts` 0 is no limit. */
export interface RetryTimes {
  readonly initial: number;
  readonly coefficient: number;
  readonly maximum: number;
  readonly attempts: number;
  readonly within: number;
}

/** An activity mock; `until` makes it pending until `finish` or a cancel. */
export type ActivityMocks = Record<string, (argument: never) => unknown>;

/** Answered by a mock whose activity goes on until the test ends it. */
export const PENDING = Symbol('pending');

export type End =
  | { readonly kind: 'completed'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: ApplicationFailure }
  | { readonly kind: 'canceled'; readonly details: unknown[] };

/** The compiled workflows; create once per file, `close` at its end. */
export class WorkflowSandbox {
  private readonly runs: Run[] = [];
  private constructor(private readonly creator: ReusableVMWorkflowCreator) {}

  static async create(): Promise<WorkflowSandbox> {
    const { code } = await bundleWorkflows();
    return new WorkflowSandbox(
      await ReusableVMWorkflowCreator.create(parseWorkflowCode(code), 10_000, ACTIVITIES),
    );
  }

  /** Starts a run at a fixed time; `update` goes along with the start. */
  async start(
    workflowType: string,
    workflowId: string,
    argument: unknown,
    activities: ActivityMocks,
    update?: { name: string; argument: unknown },
  ): Promise<Run> {
    const run = new Run(activities);
    this.runs.push(run);
    await run.begin(this.creator, workflowType, workflowId, argument, update);
    return run;
  }

  async close(): Promise<void> {
    for (const run of this.runs) await run.dispose();
    await this.creator.destroy();
  }
}

const START = Date.UTC(2026, 0, 1);
const counter = { runs: 0 };

/** One run. */
export class Run {
  now = START;
  end: End | undefined;
  /** Names of activities in the order they were scheduled. */
  readonly scheduled: {
    type: string;
    argument: unknown;
    taskQueue: string | undefined;
    retry: RetryTimes;
  }[] = [];
  /** Search attributes as last written, null for cleared ones. */
  readonly attributes: Record<string, unknown> = {};
  private sandbox!: Sandbox;
  private readonly runId = `run-${(counter.runs += 1)}`;
  private readonly timers = new Map<number, number>();
  private readonly pending = new Map<number, { type: string; id: string; local: boolean }>();
  private readonly cancelAnswers = new Map<string, () => unknown>();
  private readonly updates = new Map<string, { rejected?: Error; completed?: unknown }>();
  private answer: unknown;
  private updateCount = 0;

  constructor(private readonly activities: ActivityMocks) {}

  async begin(
    creator: ReusableVMWorkflowCreator,
    workflowType: string,
    workflowId: string,
    argument: unknown,
    update?: { name: string; argument: unknown },
  ): Promise<void> {
    const startTime = new Date(this.now);
    this.sandbox = await creator.createWorkflow({
      info: {
        workflowId,
        runId: this.runId,
        workflowType,
        searchAttributes: {},
        typedSearchAttributes: undefined,
        historyLength: 3,
        historySize: 300,
        taskQueue: 'iac',
        namespace: 'default',
        firstExecutionRunId: this.runId,
        startTime,
        runStartTime: startTime,
        attempt: 1,
        taskTimeoutMs: 10_000,
        unsafe: { isReplaying: false, now: () => this.now },
      } as never,
      randomnessSeed: [1, 2, 3, 4, 5, 6, 7, 8],
      now: this.now,
      showStackTraceSources: false,
    });
    await this.activate([
      {
        initializeWorkflow: {
          workflowId,
          workflowType,
          arguments: [payloadConverter.toPayload(argument)],
          randomnessSeed: 1,
        },
      },
      ...(update === undefined ? [] : [this.updateJob('with-start', update.name, update.argument)]),
    ]);
  }

  /** Sends an update; answers its result or the error it was rejected or failed with. */
  async update(
    name: string,
    argument: unknown,
  ): Promise<{ rejected?: Error; completed?: unknown } | undefined> {
    const id = `update-${(this.updateCount += 1)}`;
    await this.activate([this.updateJob(id, name, argument)]);
    return this.updates.get(id);
  }

  /** What the update that came with the start got so far. */
  get withStart(): { rejected?: Error; completed?: unknown } | undefined {
    return this.updates.get('with-start');
  }

  async query(name: string): Promise<unknown> {
    await this.activate([{ queryWorkflow: { queryId: 'q', queryType: name, arguments: [] } }]);
    return this.answer;
  }

  async cancel(): Promise<void> {
    await this.activate([{ cancelWorkflow: { reason: 'test' } }]);
  }

  /** Lets virtual time pass and fires what is due on the way. */
  async skip(milliseconds: number): Promise<void> {
    const until = this.now + milliseconds;
    for (;;) {
      const due = [...this.timers].sort((a, b) => a[1] - b[1])[0];
      if (due === undefined || due[1] > until) break;
      this.timers.delete(due[0]);
      this.now = Math.max(this.now, due[1]);
      await this.activate([{ fireTimer: { seq: due[0] } }]);
    }
    this.now = until;
  }

  /** Ends the pending activity of a type with a result, or with what it throws. */
  async finish(type: string, outcome: () => unknown): Promise<void> {
    const [seq] = [...this.pending].find(([, each]) => each.type === type) ?? [];
    if (seq === undefined) throw new Error(`no pending activity ${type}`);
    await this.resolve(seq, outcome);
  }

  /** What a pending activity of a type answers when it is cancelled; default: that it was cancelled. */
  answerCancel(type: string, outcome: () => unknown): void {
    this.cancelAnswers.set(type, outcome);
  }

  async dispose(): Promise<void> {
    await this.sandbox.dispose();
  }

  private updateJob(id: string, name: string, argument: unknown): object {
    return {
      doUpdate: {
        id,
        protocolInstanceId: id,
        name,
        input: [payloadConverter.toPayload(argument)],
        headers: {},
        meta: { updateId: id, identity: 'test' },
        runValidator: true,
      },
    };
  }

  private async activate(jobs: object[]): Promise<void> {
    const activation = WorkflowActivation.fromObject({
      runId: this.runId,
      timestamp: { seconds: Math.floor(this.now / 1000), nanos: (this.now % 1000) * 1e6 },
      jobs,
    });
    const completion = await this.sandbox.activate(activation as never);
    if (completion.failed != null) {
      throw new Error(`workflow task failed: ${completion.failed.failure?.message ?? ''}`);
    }
    for (const command of (completion.successful?.commands ?? []) as Command[])
      await this.take(command);
  }

  private async take(command: Command): Promise<void> {
    const { startTimer, cancelTimer, updateResponse, respondToQuery } = command;
    if (startTimer) {
      this.timers.set(startTimer.seq, this.now + span(startTimer.startToFireTimeout));
    }
    if (cancelTimer) this.timers.delete(cancelTimer.seq);
    if (updateResponse) this.takeUpdate(updateResponse);
    if (respondToQuery?.succeeded?.response) {
      this.answer = payloadConverter.fromPayload(respondToQuery.succeeded.response);
    }
    const fields = command.upsertWorkflowSearchAttributes?.searchAttributes?.indexedFields ?? {};
    for (const [name, payload] of Object.entries(fields)) {
      const text = Buffer.from(payload.data ?? []).toString('utf8');
      const value: unknown = text === '' ? null : JSON.parse(text);
      this.attributes[name] = Array.isArray(value) ? (value[0] ?? null) : value;
    }
    this.takeEnd(command);
    if (command.scheduleActivity) await this.schedule(command.scheduleActivity, false);
    if (command.scheduleLocalActivity) await this.schedule(command.scheduleLocalActivity, true);
    if (command.requestCancelActivity) {
      const { seq } = command.requestCancelActivity;
      const cancelled = (): never => {
        throw new CancelledFailure('cancelled');
      };
      await this.resolve(
        seq,
        this.cancelAnswers.get(this.pending.get(seq)?.type ?? '') ?? cancelled,
      );
    }
  }

  private takeUpdate({
    protocolInstanceId,
    rejected,
    completed,
  }: NonNullable<Command['updateResponse']>): void {
    if (rejected) {
      const error = failures.failureToError(rejected, payloadConverter);
      this.updates.set(protocolInstanceId, { rejected: error });
    } else if (completed) {
      this.updates.set(protocolInstanceId, { completed: payloadConverter.fromPayload(completed) });
    }
  }

  private takeEnd({
    completeWorkflowExecution,
    failWorkflowExecution,
    cancelWorkflowExecution,
  }: Command): void {
    if (completeWorkflowExecution) {
      const { result } = completeWorkflowExecution;
      this.end = { kind: 'completed', result: result && payloadConverter.fromPayload(result) };
    }
    if (failWorkflowExecution) {
      const error = failures.failureToError(failWorkflowExecution.failure, payloadConverter);
      this.end = { kind: 'failed', error: error as ApplicationFailure };
    }
    if (cancelWorkflowExecution) {
      const payloads = cancelWorkflowExecution.details?.payloads ?? [];
      this.end = {
        kind: 'canceled',
        details: payloads.map((each) => payloadConverter.fromPayload(each)),
      };
    }
  }

  private async schedule(activity: Scheduled, local: boolean): Promise<void> {
    const { seq, activityType: type, activityId: id } = activity;
    const payload = activity.arguments?.[0];
    const argument = payload === undefined ? undefined : payloadConverter.fromPayload(payload);
    const { taskQueue, retryPolicy = {}, scheduleToCloseTimeout } = activity;
    const retry = {
      initial: span(retryPolicy.initialInterval),
      coefficient: retryPolicy.backoffCoefficient ?? 0,
      maximum: span(retryPolicy.maximumInterval),
      attempts: retryPolicy.maximumAttempts ?? 0,
      within: span(scheduleToCloseTimeout),
    };
    this.scheduled.push({ type, argument, taskQueue, retry });
    this.pending.set(seq, { type, id, local });
    const mock = this.activities[type];
    if (mock === undefined) throw new Error(`no mock for activity ${type}`);
    let outcome: () => unknown;
    try {
      const result = mock(argument as never);
      if (result === PENDING) return;
      outcome = () => result;
    } catch (error) {
      outcome = () => {
        throw error;
      };
    }
    await this.resolve(seq, outcome);
  }

  private async resolve(seq: number, outcome: () => unknown): Promise<void> {
    const activity = this.pending.get(seq);
    if (activity === undefined) return;
    this.pending.delete(seq);
    await this.activate([
      {
        resolveActivity: {
          seq,
          isLocal: activity.local,
          result: this.outcomeOf(activity, outcome),
        },
      },
    ]);
  }

  private outcomeOf({ type, id }: { type: string; id: string }, outcome: () => unknown): object {
    try {
      return { completed: { result: payloadConverter.toPayload(outcome()) } };
    } catch (error) {
      if (error instanceof CancelledFailure) {
        return { cancelled: { failure: failures.errorToFailure(error, payloadConverter) } };
      }
      const cause = error instanceof Error ? error : new Error(String(error));
      const failure = new ActivityFailure(
        cause.message,
        type,
        id,
        RetryState.MAXIMUM_ATTEMPTS_REACHED,
        'test',
        ApplicationFailure.fromError(cause),
      );
      return { failed: { failure: failures.errorToFailure(failure, payloadConverter) } };
    }
  }
}

function span({ seconds = 0, nanos = 0 }: Duration = {}): number {
  const whole = typeof seconds === 'number' ? seconds : seconds.toNumber();
  return whole * 1000 + nanos / 1e6;
}
