/** What the client takes and gives besides the contract's own types. */
import type { Action, ChangeSummary } from '../contract/change.js';
import type { Outcome, Phase } from '../contract/operation.js';
import type { Json } from '../contract/json.js';

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

/** What the update `waitPlan` answers: a plan waits for a decision, or the operation needs none any more. */
export interface PlanReady {
  readonly phase: Phase;
  readonly planDigest?: string;
  readonly summary?: ChangeSummary;
  /** Until when a decision can be given, ISO 8601. */
  readonly decideUntil?: string;
  readonly outcome?: Outcome;
}

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
}

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

/** What a stack's record says to clients that hold no store key. */
export interface StackView {
  readonly stackId: string;
  readonly engine?: string;
  readonly image?: string;
  readonly createdAt: string;
  /** Values that are not sensitive; sensitive ones without a value. */
  readonly outputs: Readonly<
    Record<string, { readonly value?: Json; readonly sensitive?: boolean }>
  >;
  /** The operation that holds the stack now. */
  readonly openRun?: {
    readonly operation: string;
    readonly workflowId: string;
    readonly runId: string;
  };
  readonly state?: { readonly version: number; readonly at: string };
  readonly drift?: { readonly fingerprint: string; readonly at: string };
  readonly operations: readonly {
    readonly operation: string;
    readonly outcome: string;
    readonly at: string;
    readonly by?: string;
    readonly planDigest?: string;
  }[];
}

/** One stack of a list, from its record. */
export interface StackSummary {
  readonly stackId: string;
  readonly createdAt?: string;
  readonly engine?: string;
  readonly image?: string;
  /** The operation that ended last. */
  readonly last?: StackView['operations'][number];
  /** The operation that holds the stack now. */
  readonly openRun?: StackView['openRun'];
  readonly drift?: StackView['drift'];
  /** Why its record can't be read. */
  readonly damaged?: string;
}

/** A part of the list of stacks, by id; `next` is where the following part begins. */
export interface StackPage {
  readonly stacks: readonly StackSummary[];
  readonly next?: string;
}

export interface DecideOptions {
  /** Whole digest, or at least its first 16 hex digits. */
  readonly planDigest: string;
  /** Who decides, as claimed. */
  readonly by: string;
  readonly comment?: string;
  readonly token?: string;
}
