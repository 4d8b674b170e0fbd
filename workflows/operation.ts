/** What one operation shares between its steps and its message handlers. */
import type { LostRunKey } from '../src/contract/lost-run.js';
import type { Failure } from '../src/contract/error-code.js';
import type { NotificationEvent } from '../src/contract/notification.js';
import type { OperationInput } from '../src/contract/operation.js';
import type { Executed } from '../src/operation/types.js';
import type { Question } from './decide.js';
import type { Progress } from './progress.js';

export interface Operation {
  /** As it was asked; completed by the first step when it goes on after a lost run. */
  input: OperationInput;
  readonly progress: Progress;
  readonly question: Question;
  /** Things a person should know, in the order they came up. */
  readonly notices: string[];
  /** Events that a webhook wants to hear of; known after the first step. */
  notifies?: readonly NotificationEvent[];
  /** Docker engine that its containers run on; known after the first step. */
  dockerId?: string;
  /** Set while a container runs: what `kill` is about; a preview's has a key. */
  container?: {
    readonly key?: string;
    /** Ends the step, and with it the operation: a preview would be tried again otherwise. */
    giveUp(why: string): void;
  };
  /** The lost run that the person who approved was told of. */
  knownLoss?: LostRunKey;
  executed?: Executed;
  /** True when nothing more happens: whoever waits for a plan is answered. */
  ended: boolean;
  endedWith?: Failure;
}

/** One line that the server takes as a summary. */
export function summaryLine(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 120);
}

/** The members that are set. */
export function defined<T extends object>(
  value: T,
): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined),
  ) as never;
}
