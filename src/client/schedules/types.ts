/** What the client tells of schedules. */
import type { ScheduleSettings } from '../../contract/schedule.js';

/** A stack's schedule, its next check, the one that runs, and what became of the last. */
export interface ScheduleView {
  readonly stackId: string;
  readonly settings: ScheduleSettings;
  /** The settings' time in a few words. */
  readonly when: string;
  readonly paused: boolean;
  readonly note?: string;
  /** Next time without its jitter; absent while paused. */
  readonly next?: Date;
  /** The check that goes on right now. */
  readonly running?: ScheduledCheck;
  /** The newest check that ended. */
  readonly last?: ScheduledCheck;
  /** Checks that were started, that an earlier one was in the way of, and that were missed while the server was away. */
  readonly counts: { readonly started: number; readonly skipped: number; readonly missed: number };
}

/** One run that a schedule started. */
export interface ScheduledCheck {
  readonly at: Date;
  readonly workflowId: string;
  readonly runId: string;
  /** `running`, `succeeded`, `failed`, …; absent when the server knows the run no more. */
  readonly outcome?: string;
  readonly hasDrift?: boolean;
  readonly uiUrl?: string;
}

/** What `sync` did, by stack id. */
export interface SyncResult {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly unchanged: readonly string[];
  readonly deleted: readonly string[];
}
