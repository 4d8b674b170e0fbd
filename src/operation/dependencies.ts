/** What the steps of an operation work with. */
import type { Config } from '../config.js';
import type { LogLine } from '../contract/log.js';
import type { ModuleDescription } from '../contract/module-schema.js';
import type { Engine } from '../docker/engine.js';
import type { Webhook } from '../notifications/webhooks.js';
import type { Store } from '../store/open-store.js';

/** Passed down, never imported. */
export interface OperationDependencies {
  readonly engine: Engine;
  readonly store: Store;
  readonly config: Config;
  /** Who is told of events. */
  readonly webhooks: readonly Webhook[];
  /** What the module in an image takes and gives; undefined in an image that was not prepared. Cached by image id. */
  readonly describe: (imageId: string) => Promise<ModuleDescription | undefined>;
}

/** How a step that runs a container is watched and ended. */
export interface StepControl {
  /** Fires: one SIGINT, the grace, SIGKILL; what can be collected is. */
  readonly signal: AbortSignal;
  /** Fires: leave the container to the next attempt, at once. */
  readonly letGo?: AbortSignal;
  /** Takes a redacted line of the step's log; a promise that it returns is waited for before the next line. */
  readonly onLine?: (line: LogLine) => Promise<void> | undefined;
  /** The tool has ended. */
  readonly onEnded?: () => void;
  /** A container that nobody needs any more when the server has this step's answer: its result is safe, or worth nothing. */
  readonly onContainer?: (container: RunContainer) => void;
}

/** A container of ours, and the volume that goes with it when it is not an anonymous one. */
export interface RunContainer {
  readonly id: string;
  readonly volume?: string;
}
