/** What became of SIGINT, SIGTERM, SIGQUIT and SIGHUP. */
export interface Interruption {
  /** True after the first of them. */
  readonly requested: boolean;
  /** Aborts with the first signal. */
  readonly signal: AbortSignal;
  /** Names the process that gets exactly one SIGINT; returns how to take the name back. */
  forwardTo(pid: number): () => void;
}

const STOPPING = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP'] as const;
/** Signals whose default would end the program or open a debugger. */
const IGNORED = ['SIGUSR1', 'SIGUSR2', 'SIGPIPE'] as const;

/**
 * Listens to the stopping signals for the rest of the process's life. The first becomes one SIGINT to the tool's own pid (a second
 * would make OpenTofu drop its work, one to the group would kill its providers); later ones do nothing.
 */
export function listenForInterruption(
  onFirst: (signal: string) => void = () => undefined,
): Interruption {
  const controller = new AbortController();
  let target: number | undefined;
  let delivered = false;
  const deliver = (): void => {
    if (target === undefined || delivered) return;
    delivered = true;
    try {
      process.kill(target, 'SIGINT');
    } catch {
      // It ended in the meantime.
    }
  };
  for (const signal of STOPPING) {
    process.on(signal, () => {
      if (controller.signal.aborted) return;
      onFirst(signal);
      controller.abort();
      deliver();
    });
  }
  for (const signal of IGNORED) process.on(signal, () => undefined);
  return {
    get requested() {
      return controller.signal.aborted;
    },
    signal: controller.signal,
    forwardTo: (pid) => {
      target = pid;
      delivered = false;
      if (controller.signal.aborted) deliver();
      return () => {
        target = undefined;
      };
    },
  };
}
