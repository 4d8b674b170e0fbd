/** Milliseconds per step, in the order the steps ended. */
export interface Timings {
  measure<T>(step: string, work: () => Promise<T>): Promise<T>;
  record(step: string, milliseconds: number): void;
  all(): Record<string, number>;
}

export function createTimings(): Timings {
  const steps = new Map<string, number>();
  const record = (step: string, milliseconds: number): void => {
    steps.set(step, (steps.get(step) ?? 0) + Math.round(milliseconds * 10) / 10);
  };
  return {
    record,
    measure: async (step, work) => {
      const start = performance.now();
      try {
        return await work();
      } finally {
        record(step, performance.now() - start);
      }
    },
    all: () => Object.fromEntries(steps),
  };
}
