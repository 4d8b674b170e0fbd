/** Where one operation is: the state that queries, search attributes and the UI's details show. */
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { SearchAttributePair } from '@temporalio/common';
import type { OperationInput, OperationState, Phase, PlanView } from '../src/contract/operation.js';
import type { PlannedChanges, ResolvedImage } from '../src/operation/types.js';
import { ATTRIBUTE } from '../src/temporal/search-attributes.js';
import { planHasChanges, planHasDrift } from './approval-rules.js';
import { renderDetails } from './current-details.js';

type Attributes = Partial<Record<keyof typeof ATTRIBUTE, string | boolean | null>>;
type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** State of one operation and the calls that move it; every call refreshes what the UI shows. */
export interface Progress {
  readonly state: Readonly<OperationState>;
  readonly plan: PlannedChanges | undefined;
  /** Milliseconds per phase so far. */
  timings(): Record<string, number>;
  enter(phase: Phase, attributes?: Attributes): void;
  usesImage(image: ResolvedImage): void;
  usesPlan(plan: PlannedChanges): void;
  /** Lines that the details show near the top. */
  tell(lines: readonly string[]): void;
  set(change: Partial<OperationState>): void;
}

/** Sets or clears every attribute of ours: the UI's start form copies those of an earlier run. */
export function claimSearchAttributes(
  input: Partial<OperationInput>,
  outcome: string | null = null,
): void {
  upsert({
    stack: input.stackId ?? null,
    operation: input.operation ?? null,
    requestedBy: input.requestedBy ?? null,
    phase: outcome === null ? 'detect' : 'done',
    module: null,
    engine: null,
    outcome,
    image: null,
    plan: null,
    hasChanges: null,
    hasDrift: null,
  });
}

/** Writes the attributes in one event. */
export function upsert(attributes: Attributes): void {
  upsertSearchAttributes(
    Object.entries(attributes).map(
      ([name, value]) =>
        ({ key: ATTRIBUTE[name as keyof typeof ATTRIBUTE], value }) as SearchAttributePair,
    ),
  );
}

/** Starts in phase `detect`. */
export function createProgress(input: OperationInput): Progress {
  const timings: Record<string, number> = {};
  let since = Date.now();
  let plan: PlannedChanges | undefined;
  const state: Mutable<OperationState> = {
    stackId: input.stackId,
    operation: input.operation,
    phase: 'detect',
    phaseSince: new Date(since).toISOString(),
    decisions: [],
    ...(input.requestedBy === undefined ? {} : { requestedBy: input.requestedBy }),
  };
  let told: readonly string[] = [];
  const show = (): void => setCurrentDetails(renderDetails(state, plan?.view, told));
  show();
  return {
    state,
    get plan() {
      return plan;
    },
    timings: () => ({
      ...timings,
      [state.phase]: (timings[state.phase] ?? 0) + Date.now() - since,
    }),
    enter(phase, attributes) {
      timings[state.phase] = (timings[state.phase] ?? 0) + Date.now() - since;
      since = Date.now();
      state.phase = phase;
      state.phaseSince = new Date(since).toISOString();
      upsert({ phase, ...attributes });
      show();
    },
    usesImage(image) {
      state.image = image.reference;
      state.engine = image.engine;
    },
    usesPlan(planned) {
      plan = planned;
      state.planDigest = planned.view.planDigest;
      show();
    },
    tell(lines) {
      told = lines;
      show();
    },
    set(change) {
      Object.assign(state, change);
      show();
    },
  };
}

/** Attributes that say what a plan is about. */
export function planAttributes(view: PlanView): Attributes {
  return {
    plan: view.planDigest,
    hasChanges: planHasChanges(view),
    hasDrift: planHasDrift(view),
  };
}
