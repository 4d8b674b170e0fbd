/** What one run of a module container is given, and what it gives back. */
import type { Content } from '../content.js';
import type { ModuleRequest } from '../contract/request.js';
import type { ModuleResponse } from '../contract/response.js';
import type { EntrypointEvent } from '../contract/event.js';

/** Which network a module's container is in: none, one without a way out, or the engine's bridge. */
export type ModuleNetwork = 'none' | 'internal' | 'open';

/** Limits with every value decided; see `resolveLimits`. */
export interface ResolvedLimits {
  /** Bytes of memory; swap is never added. */
  readonly memory: number;
  /** Cores; more than the engine has means all of them. */
  readonly cpus: number;
  /** Processes and threads. */
  readonly pids: number;
  readonly network: ModuleNetwork;
}

const DEFAULT_LIMITS: ResolvedLimits = {
  memory: 2 * 1024 ** 3,
  cpus: 2,
  pids: 1024,
  network: 'open',
};

/** Fills limits that a request left open: 2 GiB, 2 cores, 1024 processes, network `open`. */
export function resolveLimits(
  limits: { [K in keyof ResolvedLimits]?: ResolvedLimits[K] | undefined } = {},
): ResolvedLimits {
  return {
    memory: limits.memory ?? DEFAULT_LIMITS.memory,
    cpus: limits.cpus ?? DEFAULT_LIMITS.cpus,
    pids: limits.pids ?? DEFAULT_LIMITS.pids,
    network: limits.network ?? DEFAULT_LIMITS.network,
  };
}

export interface ModuleRun {
  /** Reference or id of an image that the engine has. */
  readonly image: string;
  /** Name of the container, and (cut to 63 characters) its hostname. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly request: ModuleRequest;
  /** Path below `/workspace` to bytes. */
  readonly files: Readonly<Record<string, Content>>;
  /** `/workspace`: gone with the container, or a named volume that survives it. */
  readonly workspace:
    | { readonly kind: 'anonymous' }
    | {
        readonly kind: 'volume';
        readonly name: string;
        readonly labels?: Readonly<Record<string, string>>;
      };
  readonly limits: ResolvedLimits;
  /** Grants the engine's socket: its path on the engine's host and the group that may use it. */
  readonly dockerSocket?: { readonly path: string; readonly groupId: number };
  /** Milliseconds between the one SIGINT and SIGKILL. */
  readonly stopGraceMs: number;
  /** Milliseconds from start until the run is stopped as if it had been cancelled. */
  readonly runTimeoutMs: number;
  /** Only look for the container of an earlier call; never create one. */
  readonly adoptOnly?: boolean;
  /** Leave out log lines up to this engine timestamp, when a run is adopted. */
  readonly logsAfter?: string;
}

export interface RunDependencies {
  /** Fires: one SIGINT, the grace, SIGKILL; what can be collected is still returned. */
  readonly signal: AbortSignal;
  /** Fires: let go at once; the container goes on, `runModule` throws `AbortError`. */
  readonly letGo?: AbortSignal;
  /** Every event but the sealed result; `at` is the engine's timestamp of the line, for `logsAfter`. */
  /** A promise that it returns is waited for before the next event. */
  readonly onEvent: (event: EntrypointEvent, at: string) => void | Promise<void>;
  /** Awaited after the container was created and before it is started; not called when a run is adopted. */
  readonly onStarted?: (containerId: string) => void | Promise<void>;
}

export interface ModuleRunResult {
  readonly containerId: string;
  readonly exitCode: number;
  readonly response: ModuleResponse;
  /** Those out of an ended container are read from there, as long as it is not removed. */
  readonly files: {
    readonly plan?: Content;
    readonly state?: Content;
    readonly changes?: Content;
    readonly drift?: Content;
  };
  /** The sealed frame on stdout (the container may still be going down), or files out of the ended container. */
  readonly collectedBy: 'frame' | 'archive';
  readonly adopted: boolean;
  /** Bytes of output beyond the entrypoint's cap that were counted and dropped. */
  readonly dropped: number;
  readonly oomKilled: boolean;
  /** Why we stopped it, when we did. */
  readonly stopped?: 'cancelled' | 'timeout';
  /** It did not end within the grace and was killed. */
  readonly killed: boolean;
  /** Milliseconds per step. */
  readonly timings: Readonly<Record<string, number>>;
}
