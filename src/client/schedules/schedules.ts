/** Schedules of drift checks: one per stack, told by the stack's id. */
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleDescription,
  type ScheduleOptions,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import { stackIdSchema } from '../../contract/operation.js';
import { issueLines } from '../../contract/issues.js';
import {
  scheduledRefreshInputSchema,
  scheduleSettingsSchema,
  type ScheduleSettings,
  type ScheduleSettingsInput,
} from '../../contract/schedule.js';
import { CodedError } from '../../errors.js';
import { scheduleId, TASK_QUEUE, WORKFLOW } from '../../temporal/names.js';
import { ATTRIBUTE } from '../../temporal/search-attributes.js';
import type { OperationSummary } from '../types.js';
import { toCodedError } from '../to-coded-error.js';
import { describeWhen, scheduleSpec } from './spec.js';
import type { ScheduledCheck, ScheduleView, SyncResult } from './types.js';

/** Schedules that are described at one time. */
const AT_ONCE = 16;
/** A check that is later than this is not made up for: the next one comes anyway. */
const CATCH_UP = '1m';

export interface SchedulesDependencies {
  readonly client: Client;
  /** Throws `StackNotFound`. */
  checkStack(stackId: string): Promise<unknown>;
  /** The run that a schedule started; undefined when the server knows it no more. */
  describeRun(run: { workflowId: string; runId: string }): Promise<OperationSummary | undefined>;
}

/** Sets, lists and steers the schedules of stacks. Every error is a `CodedError`. */
export class Schedules {
  constructor(private readonly dependencies: SchedulesDependencies) {}

  /**
   * Makes the stack's schedule, or changes it. Throws `StackNotFound`, and `InvalidInput` for settings that are wrong or
   * for a time that never comes.
   */
  async set(stackId: string, settings: ScheduleSettingsInput): Promise<ScheduleView> {
    const valid = parseSettings(stackId, settings);
    await this.dependencies.checkStack(stackId);
    await this.#put(stackId, valid);
    return this.show(stackId);
  }

  /** One schedule. Throws `ScheduleNotFound`. */
  async show(stackId: string): Promise<ScheduleView> {
    return this.#view(stackId, await this.#describe(stackId));
  }

  /** All schedules, in no particular order. */
  async *list(): AsyncGenerator<ScheduleView> {
    let batch: string[] = [];
    const views = async (): Promise<(ScheduleView | undefined)[]> =>
      Promise.all(batch.map((stackId) => this.show(stackId).catch(absent)));
    for await (const stackId of this.#stackIds()) {
      batch.push(stackId);
      if (batch.length < AT_ONCE) continue;
      for (const view of await views()) if (view !== undefined) yield view;
      batch = [];
    }
    for (const view of await views()) if (view !== undefined) yield view;
  }

  /** Stops checks until `resume`; a check that runs goes on. */
  async pause(stackId: string, note: string): Promise<void> {
    await this.#on(stackId, (handle) => handle.pause(note));
  }

  async resume(stackId: string, note: string): Promise<void> {
    await this.#on(stackId, (handle) => handle.unpause(note));
  }

  /** Checks now, also while paused; not while a check runs. */
  async trigger(stackId: string): Promise<void> {
    await this.#on(stackId, (handle) => handle.trigger(ScheduleOverlapPolicy.SKIP));
  }

  /** Ends the schedule; a check that runs goes on. */
  async delete(stackId: string): Promise<void> {
    await this.#on(stackId, (handle) => handle.delete());
  }

  /**
   * Makes the schedules be those of the set: missing ones are made, different ones changed, and those of other stacks
   * deleted when `prune` says so. `dryRun` only tells. Nothing is done when one entry is wrong.
   */
  async sync(
    wanted: Readonly<Record<string, ScheduleSettingsInput>>,
    options: { readonly prune?: boolean; readonly dryRun?: boolean } = {},
  ): Promise<SyncResult> {
    const valid = Object.entries(wanted).map(
      ([stackId, settings]) => [stackId, parseSettings(stackId, settings)] as const,
    );
    const present = new Map<string, ScheduleSettings>();
    for await (const { stackId, settings, paused } of this.list())
      present.set(stackId, { ...settings, paused });
    const missing = valid.filter(([stackId]) => !present.has(stackId));
    for (const [stackId] of missing) await this.dependencies.checkStack(stackId);
    const result = {
      created: missing.map(([stackId]) => stackId),
      updated: [] as string[],
      unchanged: [] as string[],
      deleted:
        options.prune === true
          ? [...present.keys()].filter((id) => !Object.hasOwn(wanted, id))
          : [],
    };
    for (const [stackId, settings] of valid) {
      const found = present.get(stackId);
      if (found !== undefined)
        result[same(found, settings) ? 'unchanged' : 'updated'].push(stackId);
    }
    if (options.dryRun === true) return result;
    const changing = new Set([...result.created, ...result.updated]);
    for (const [stackId, settings] of valid)
      if (changing.has(stackId)) await this.#put(stackId, settings);
    for (const stackId of result.deleted) await this.delete(stackId);
    return result;
  }

  /** Created; or changed, where it was there before or another client was first. */
  async #put(stackId: string, settings: ScheduleSettings): Promise<void> {
    const { schedule } = this.dependencies.client;
    const options = scheduleOptions(stackId, settings);
    let created = true;
    await this.#call(stackId, async () => {
      try {
        await schedule.create(options);
      } catch (error) {
        if (!(error instanceof ScheduleAlreadyRunning)) throw error;
        created = false;
        await schedule.getHandle(options.scheduleId).update(
          (previous) =>
            ({
              ...options,
              // Who paused it by hand meant it.
              state: { ...options.state, paused: settings.paused ?? previous.state.paused },
            }) as unknown as ScheduleUpdateOptions,
        );
      }
    });
    const { info, state } = await this.#describe(stackId);
    if (info.nextActionTimes.length > 0 || state.paused) return;
    if (created) await this.delete(stackId);
    throw new CodedError(
      'InvalidInput',
      `schedule of ${stackId}: ${describeWhen(settings)} never comes${created ? '; nothing was made' : ''}`,
    );
  }

  async *#stackIds(): AsyncGenerator<string> {
    const prefix = scheduleId('');
    try {
      for await (const { scheduleId: id } of this.dependencies.client.schedule.list())
        if (id.startsWith(prefix)) yield id.slice(prefix.length);
    } catch (error) {
      throw toCodedError(error, 'schedules');
    }
  }

  async #view(stackId: string, description: ScheduleDescription): Promise<ScheduleView> {
    const { action, state, info } = description;
    const settings = scheduleSettingsSchema.parse(action.memo?.['settings']);
    const [newest, before] = await Promise.all(
      info.recentActions
        .slice(-2)
        .reverse()
        .map((action) => this.#check(action)),
    );
    const isRunning = newest?.outcome === 'running';
    const last = isRunning ? before : newest;
    const [next] = info.nextActionTimes;
    const { note } = state;
    return {
      stackId,
      settings,
      when: describeWhen(settings),
      paused: state.paused,
      ...(note ? { note } : {}),
      ...(next === undefined || state.paused ? {} : { next }),
      ...(isRunning ? { running: newest } : {}),
      ...(last === undefined ? {} : { last }),
      counts: {
        started: info.numActionsTaken,
        skipped: info.numActionsSkippedOverlap,
        missed: info.numActionsMissedCatchupWindow,
      },
    };
  }

  async #check({
    takenAt,
    action: { workflow },
  }: ScheduleDescription['info']['recentActions'][number]): Promise<ScheduledCheck> {
    const run = { workflowId: workflow.workflowId, runId: workflow.firstExecutionRunId };
    const found = await this.dependencies.describeRun(run);
    if (found === undefined) return { at: takenAt, ...run };
    const { status, outcome, hasDrift, uiUrl } = found;
    return {
      at: takenAt,
      ...run,
      outcome: status === 'completed' ? (outcome ?? status) : status,
      ...(hasDrift === undefined ? {} : { hasDrift }),
      ...(uiUrl === undefined ? {} : { uiUrl }),
    };
  }

  #describe(stackId: string): Promise<ScheduleDescription> {
    return this.#call(stackId, () =>
      this.dependencies.client.schedule.getHandle(scheduleId(stackId)).describe(),
    );
  }

  async #on(
    stackId: string,
    work: (handle: ReturnType<Client['schedule']['getHandle']>) => Promise<unknown>,
  ): Promise<void> {
    await this.#call(stackId, () =>
      work(this.dependencies.client.schedule.getHandle(scheduleId(stackId))),
    );
  }

  async #call<T>(stackId: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ScheduleNotFoundError)
        throw new CodedError(
          'ScheduleNotFound',
          `stack ${stackId} has no schedule; make one: cldctl-iac schedule set ${stackId} --every 1h`,
          { cause: error },
        );
      // The form in which the SDK (1.24) gives the server's word on a time that it can't read.
      if (error instanceof TypeError)
        throw new CodedError('InvalidInput', `schedule of ${stackId}: ${error.message}`, {
          cause: error,
        });
      throw toCodedError(error, `schedule of ${stackId}`);
    }
  }
}

function scheduleOptions(stackId: string, settings: ScheduleSettings): ScheduleOptions {
  const { onDrift, approval, limits, credentials, paused = false, note } = settings;
  const input = { stackId, onDrift, approval, limits, credentials, requestedBy: 'schedule' };
  return {
    scheduleId: scheduleId(stackId),
    spec: scheduleSpec(stackId, settings),
    policies: {
      overlap: ScheduleOverlapPolicy.SKIP,
      catchupWindow: CATCH_UP,
      // A check that fails is told by its own run; drift must not go unseen after it.
      pauseOnFailure: false,
    },
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOW.scheduledRefresh,
      workflowId: scheduleId(stackId),
      taskQueue: TASK_QUEUE,
      args: [scheduledRefreshInputSchema.parse(input)],
      memo: { settings },
      staticSummary: `look for drift of ${stackId}, ${describeWhen(settings)}`.slice(0, 200),
      typedSearchAttributes: [
        { key: ATTRIBUTE.stack, value: stackId },
        { key: ATTRIBUTE.operation, value: 'preview' },
        { key: ATTRIBUTE.requestedBy, value: 'schedule' },
      ],
    },
    state: { paused, ...(note === undefined ? {} : { note }) },
  };
}

/** Throws `InvalidInput` that names every mistake. */
export function parseSettings(stackId: string, settings: unknown): ScheduleSettings {
  const id = stackIdSchema.safeParse(stackId);
  const parsed = scheduleSettingsSchema.safeParse(settings);
  const issues = [
    ...(id.success ? [] : issueLines(id.error)),
    ...(parsed.success ? [] : issueLines(parsed.error)),
  ];
  if (parsed.success && issues.length === 0) return parsed.data;
  throw new CodedError('InvalidInput', `schedule of ${stackId}: ${issues.join('; ')}`, {
    detail: { issues },
  });
}

/** Equal as far as the wanted settings say; those that don't speak of a pause leave it. */
function same(found: ScheduleSettings, wanted: ScheduleSettings): boolean {
  const form = ({ paused: _, ...settings }: ScheduleSettings): string =>
    JSON.stringify(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)));
  const pause = wanted.paused === undefined || wanted.paused === (found.paused ?? false);
  return pause && form(found) === form(wanted);
}

function absent(error: unknown): undefined {
  if (error instanceof CodedError && error.code === 'ScheduleNotFound') return undefined;
  throw error;
}
