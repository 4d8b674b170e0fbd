import { describe, expect, test } from 'vitest';
import { scheduleSpec, stableOffset } from '../../../src/client/schedules/spec.js';

const HOUR = 3_600_000;

describe('the time of a schedule', () => {
  test('spreads stacks evenly over the interval, each always at the same time', () => {
    const offsets = Array.from({ length: 1000 }, (_, index) =>
      stableOffset(`stack-${index}`, HOUR),
    );
    const quarters = [0, 0, 0, 0];
    for (const offset of offsets) quarters[Math.floor(offset / (HOUR / 4))]! += 1;
    for (const count of quarters) expect(count).toBeGreaterThan(180);
    expect(stableOffset('shop', HOUR)).toBe(stableOffset('shop', HOUR));
    for (const offset of offsets) expect(offset % 1000).toBe(0);
  });

  test('has a jitter of a tenth of the interval, at most two minutes, unless it is named', () => {
    const jitter = (every: string, named?: string): unknown =>
      scheduleSpec('s', { every, onDrift: 'report', ...(named && { jitter: named }) }).jitter;
    expect(jitter('100s')).toBe(10_000);
    expect(jitter('1d')).toBe(120_000);
    expect(jitter('1d', '0s')).toBe(0);
    expect(scheduleSpec('s', { cron: '@daily', onDrift: 'report' }).jitter).toBe(120_000);
  });

  test('names months and days as the SDK does', () => {
    const calendars = [
      {
        hour: [3, 15],
        dayOfWeek: { start: 1, end: 5 },
        month: [1, { start: 6, end: 12, step: 2 }],
      },
      { dayOfWeek: 0, month: '*' as const },
    ];
    expect(scheduleSpec('s', { calendars, onDrift: 'report' }).calendars).toEqual([
      {
        hour: [3, 15],
        dayOfWeek: { start: 'MONDAY', end: 'FRIDAY' },
        month: ['JANUARY', { start: 'JUNE', end: 'DECEMBER', step: 2 }],
      },
      { dayOfWeek: 'SUNDAY', month: '*' },
    ]);
  });

  test('an interval below a second still has an offset', () => {
    expect(stableOffset('s', 500)).toBe(0);
  });
});
