/** The life of one mutating run as data: its states, who moves it, and what may be done when it is found again. */

/** How far an attempt has come; each is a durable mark, made once. */
export type AttemptStatus = 'intended' | 'started' | 'ended';

/** One step in the life of an attempt. */
export interface AttemptTransition {
  readonly from: AttemptStatus | 'absent';
  readonly to: AttemptStatus;
  /** What the step records. */
  readonly mark: string;
  /** What must be true before. */
  readonly requires: string;
}

/** Every step there is; nothing moves an attempt back. */
export const ATTEMPT_TRANSITIONS: readonly AttemptTransition[] = [
  {
    from: 'absent',
    to: 'intended',
    mark: 'openRun in the stack record, by compare-and-set',
    requires: 'no open run on the stack, and proof that the last attempt of this plan did nothing',
  },
  {
    from: 'intended',
    to: 'started',
    mark: 'the container id, after create and before start',
    requires: 'the attempt is the open run of its stack',
  },
  {
    from: 'intended',
    to: 'ended',
    mark: 'a result that says nothing ran',
    requires: 'no container was ever started for it',
  },
  {
    from: 'started',
    to: 'ended',
    mark: 'the result, once',
    requires: 'the container has ended and its state is safe, or its loss is known',
  },
];

/** What Docker shows of the attempt's container. `unknown`: the engine can't be asked. */
export type ContainerObservation =
  'missing' | 'created' | 'running' | 'exited-incomplete' | 'exited' | 'dead' | 'unknown';

/** What whoever finds an attempt does next. */
export type AttemptDecision =
  /** Make the container and start it: nothing has run. */
  | 'create'
  /** Start the container that is there: it has never run. */
  | 'start'
  /** Follow the running container to its end. */
  | 'adopt'
  /** Fetch the result of the container that has ended. */
  | 'collect'
  /** No container: look into the working volume and the state; without proof the outcome is unknown. */
  | 'harvest'
  /** End this attempt as one that did nothing; the plan may be tried again. */
  | 'try-again'
  /** Nothing to do: the result is recorded. */
  | 'return-result'
  /** Ask Docker again later. */
  | 'wait';

type DecisionRow = Readonly<Record<ContainerObservation, AttemptDecision>>;

/**
 * Attempt and container, and what follows. `started` is written before the start, so an intended attempt
 * whose container ran can't be; should a store have lost the mark, the container is believed.
 * `exited-incomplete` is exit code 75: the input did not arrive whole and nothing ran.
 */
export const ATTEMPT_DECISIONS: Readonly<Record<AttemptStatus, DecisionRow>> = {
  intended: {
    missing: 'create',
    created: 'start',
    running: 'adopt',
    'exited-incomplete': 'try-again',
    exited: 'collect',
    dead: 'harvest',
    unknown: 'wait',
  },
  started: {
    missing: 'harvest',
    created: 'start',
    running: 'adopt',
    'exited-incomplete': 'try-again',
    exited: 'collect',
    dead: 'harvest',
    unknown: 'wait',
  },
  ended: {
    missing: 'return-result',
    created: 'return-result',
    running: 'return-result',
    'exited-incomplete': 'return-result',
    exited: 'return-result',
    dead: 'return-result',
    unknown: 'return-result',
  },
};

/** What to do with an attempt that is found in `status` with its container as observed. */
export function decideAttempt(
  status: AttemptStatus,
  observed: ContainerObservation,
): AttemptDecision {
  return ATTEMPT_DECISIONS[status][observed];
}

/** True when the table has this step. */
export function isTransition(from: AttemptStatus | 'absent', to: AttemptStatus): boolean {
  return ATTEMPT_TRANSITIONS.some((step) => step.from === from && step.to === to);
}
