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

/** Milliseconds after which a SIGINT that came before the container's first line is sent again. */
const AGAIN = 1000;

/** Stops container `id` when asked; `onError` gets what the engine refused. */
export function createStopper(
  engine: Engine,
  id: string,
  graceMs: number,
  onError: (error: Error) => void,
): Stopper {
  let reason: 'cancelled' | 'timeout' | undefined;
  let killed = false;
  let alive = false;
  const timers = new Set<NodeJS.Timeout>();
  const later = (ms: number, act: () => void): void => void timers.add(setTimeout(act, ms));
  const send = (signal: 'SIGINT' | 'SIGKILL'): void => {
    signalRun(engine, id, signal).catch((error: unknown) =>
      onError(fromDockerError(error, `stop container ${id}`)),
    );
  };
  return {
    stop(why) {
      if (reason !== undefined) return;
      reason = why;
      send('SIGINT');
      // As PID 1 a process without a handler ignores the signal: one sent before the entrypoint's first line may be lost.
      if (!alive) later(AGAIN, () => send('SIGINT'));
      later(graceMs, () => {
        killed = true;
        send('SIGKILL');
      });
    },
    alive: () => void (alive = true),
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
