import { describe, expect, test } from 'vitest';
import { CodedError } from '../../../src/errors.js';
import { withRetries } from '../../../src/standalone/retry.js';

const away = (): CodedError => new CodedError('RegistryUnavailable', 'the registry is away');
const { signal } = new AbortController();

/** Fails with each of these in turn, then gives its number of calls. */
function failing(...errors: Error[]): { call: () => Promise<number>; calls: () => number } {
  let calls = 0;
  return {
    calls: () => calls,
    call: async () => {
      const error = errors[calls];
      calls += 1;
      if (error !== undefined) throw error;
      return calls;
    },
  };
}

describe('a call that is tried again', () => {
  test('gives what the first good attempt gives, and tells of each pause', async () => {
    const told: number[] = [];
    const { call } = failing(away(), away());
    const pauses = [1, 2, 3];
    expect(
      await withRetries(call, { signal, pauses, onRetry: (_, pause) => told.push(pause) }),
    ).toBe(3);
    expect(told).toEqual([1, 2]);
  });

  test('ends with the last error when it has been tried often enough', async () => {
    const { call, calls } = failing(away(), away(), away());
    await expect(withRetries(call, { signal, pauses: [1] })).rejects.toThrow('is away');
    expect(calls()).toBe(2);
  });

  test('is not tried again when that can’t help', async () => {
    const denied = new CodedError('RegistryDenied', 'wrong password');
    const { call, calls } = failing(denied);
    await expect(withRetries(call, { signal, pauses: [1] })).rejects.toBe(denied);
    expect(calls()).toBe(1);
  });

  test('ends at once when it is cancelled in a pause', async () => {
    const cancel = new AbortController();
    const { call, calls } = failing(away());
    const running = withRetries(call, {
      signal: cancel.signal,
      pauses: [3_600_000],
      onRetry: () => queueMicrotask(() => cancel.abort()),
    });
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    expect(calls()).toBe(1);
  });
});
