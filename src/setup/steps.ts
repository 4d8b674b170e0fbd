/** One line of what a set-up is doing. Times are in milliseconds. */
export type StepEvent =
  | { type: 'start'; step: string }
  | { type: 'progress'; step: string; detail: string }
  | { type: 'done'; step: string; milliseconds: number; cached: boolean; detail?: string }
  | { type: 'failed'; step: string; milliseconds: number; message: string }
  /** Ended because the set-up was cancelled, or another step it needs failed. */
  | { type: 'stopped'; step: string };

/** Inside a step: say what goes on, and that the result was there already. */
export interface StepContext {
  signal: AbortSignal;
  progress(detail: string): void;
  /** Marks the step's result as found, not made. */
  markCached(): void;
}

/** Runs named steps, each once, with at most `slots` heavy sections at a time. */
export interface Steps {
  step<T>(name: string, work: (context: StepContext) => Promise<T>): Promise<T>;
  /** Runs `work` when one of the slots is free. */
  heavy<T>(work: () => Promise<T>): Promise<T>;
  signal: AbortSignal;
}

/** Steps that tell `report` about themselves; a step asked for twice runs once and both callers get its result. */
export function createSteps(
  report: (event: StepEvent) => void,
  signal: AbortSignal,
  slots = 2,
): Steps {
  const running = new Map<string, Promise<unknown>>();
  const waiting: (() => void)[] = [];
  const told = new Set<unknown>();
  let free = slots;

  const run = async <T>(step: string, work: (context: StepContext) => Promise<T>): Promise<T> => {
    const from = performance.now();
    const elapsed = (): number => Math.round(performance.now() - from);
    let found = false;
    signal.throwIfAborted();
    report({ type: 'start', step });
    try {
      const result = await work({
        signal,
        progress: (detail) => report({ type: 'progress', step, detail }),
        markCached: () => (found = true),
      });
      report({ type: 'done', step, milliseconds: elapsed(), cached: found });
      return result;
    } catch (error) {
      if (signal.aborted || told.has(error)) report({ type: 'stopped', step });
      else {
        told.add(error);
        const message = error instanceof Error ? error.message : String(error);
        report({ type: 'failed', step, milliseconds: elapsed(), message });
      }
      throw error;
    }
  };

  return {
    signal,
    step<T>(name: string, work: (context: StepContext) => Promise<T>): Promise<T> {
      const known = running.get(name);
      if (known !== undefined) return known as Promise<T>;
      const started = run(name, work);
      running.set(name, started);
      return started;
    },
    async heavy<T>(work: () => Promise<T>): Promise<T> {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        signal.throwIfAborted();
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}
