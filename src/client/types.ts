/** What the client takes and gives besides the contract's own types. */
import type { Action } from '../contract/change.js';
import type { OperationInput, OperationState, Phase } from '../contract/operation.js';

export type { PlanReady } from '../contract/operation.js';
export type { StackPage, StackSummary, StackView } from '../contract/stack.js';

/** One operation: a stack id means the newest run of `stack:{stackId}`. */
export type OperationTarget = string | { readonly workflowId: string; readonly runId?: string };

export interface StartedOperation {
  readonly stackId: string;
  readonly workflowId: string;
  readonly runId: string;
  /** True when an operation with the same `requestId` was already there. */
  readonly attached: boolean;
  /** Page of the run in the Temporal UI, on the tab that shows the plan; present when the UI's address is known. */
  readonly uiUrl?: string;
}

/** What can be said about an operation that goes on after a lost run; the rest is that run's. */
export type ResumeOptions = Pick<
  OperationInput,
  'approval' | 'limits' | 'onBusy' | 'requestedBy' | 'requestId' | 'reason' | 'tags'
>;

export type OperationStatus =
  'running' | 'completed' | 'failed' | 'canceled' | 'terminated' | 'timed-out';

/** One row of a list; read from search attributes, so it lags a little behind. */
export interface OperationSummary {
  readonly workflowId: string;
  readonly runId: string;
  readonly status: OperationStatus;
  readonly startedAt: Date;
  readonly endedAt?: Date;
  readonly stackId?: string;
  readonly operation?: Action;
  readonly phase?: Phase;
  /** `failed` and `canceled` besides the contract's outcomes. */
  readonly outcome?: string;
  readonly module?: string;
  readonly engine?: string;
  readonly image?: string;
  readonly planDigest?: string;
  readonly requestedBy?: string;
  readonly hasChanges?: boolean;
  readonly hasDrift?: boolean;
  readonly uiUrl?: string;
  /** A step that failed and is tried again; only from `describe` and `follow`. */
  readonly retry?: RetryView;
}

/** A step that waits for its next try, or is at it. */
export interface RetryView {
  /** Activity type: `build`, `push`, `execute`, …. */
  readonly step: string;
  /** Number of the try that is next, or under way. */
  readonly attempt: number;
  /** What the last try failed with: error code and one line. */
  readonly reason: string;
  /** When the next try begins; absent while one is under way. */
  readonly at?: Date;
}

/** A state as `follow` gives it. */
export type FollowedState = OperationState & { readonly retry?: RetryView };

export interface OperationFilter {
  readonly stackId?: string;
  readonly phase?: Phase;
  readonly outcome?: string;
  readonly status?: OperationStatus;
  /** Visibility query that is added with AND. */
  readonly query?: string;
  /** Most rows; default 100. */
  readonly limit?: number;
}

export interface DecideOptions {
  /** Whole digest, or at least its first 16 hex digits. */
  readonly planDigest: string;
  /** Who decides, as claimed. */
  readonly by: string;
  readonly comment?: string;
  readonly token?: string;
}
