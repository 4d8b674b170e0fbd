/** The one way a run is stopped: one SIGINT, a grace, SIGKILL. */
import { fromDockerError } from './docker-error.js';
import type { Engine } from './engine.js';
import { signalRun } from './inspect-run.js';

export interface Stopper {
  /** Asks the container to end; later calls do nothing. */
  stop(reason: 'cancelled' | 'timeout'): void;
  /** To be called with the first line of the container: from then on it handles signals. */
  alive(): void;
  readonly reason: 'cancelled' | 'timeout' | undefined;
  readonly killed: boolean;
  /** Ends all timers. */
  close(): void;
}

export interface StopOptions {
  readonly graceMs: number;
  /** The image's entrypoint passes the first SIGINT on to the tool and no other, as the contract asks. */
  readonly passesOne: boolean;
  /** Gets what the engine refused. */
  readonly onError: (error: Error) => void;
}

/** Milliseconds in which a container that has not printed a line yet is given time to handle signals. */
const UNHEARD = 1000;

/**
 * Stops container `id` when asked. As PID 1 a process without a handler ignores the signal, so one that comes before the
 * container's first line may be lost: it is sent again a second later, unless the image has an entrypoint that may pass
 * both on. A second SIGINT makes OpenTofu drop its work, so there the one signal waits for the first line, a second at most.
 */
export function createStopper(engine: Engine, id: string, options: StopOptions): Stopper {
  const { graceMs, passesOne, onError } = options;
  let reason: 'cancelled' | 'timeout' | undefined;
  let killed = false;
  let alive = false;
  let whenAlive: (() => void) | undefined;
  const timers = new Set<NodeJS.Timeout>();
  const later = (ms: number, act: () => void): void => void timers.add(setTimeout(act, ms));
  const send = (signal: 'SIGINT' | 'SIGKILL'): void => {
    signalRun(engine, id, signal).catch((error: unknown) =>
      onError(fromDockerError(error, `stop container ${id}`)),
    );
  };
  const interrupt = (): void => {
    if (alive) return send('SIGINT');
    if (passesOne) {
      send('SIGINT');
      later(UNHEARD, () => send('SIGINT'));
      return;
    }
    whenAlive = () => {
      whenAlive = undefined;
      send('SIGINT');
    };
    later(UNHEARD, () => whenAlive?.());
  };
  return {
    stop(why) {
      if (reason !== undefined) return;
      reason = why;
      interrupt();
      later(graceMs, () => {
        killed = true;
        send('SIGKILL');
      });
    },
    alive() {
      alive = true;
      whenAlive?.();
    },
    get reason() {
      return reason;
    },
    get killed() {
      return killed;
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
