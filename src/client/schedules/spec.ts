/** When a stack's checks come, in Temporal's terms: spread over the interval, the same way every time. */
import { createHash } from 'node:crypto';
import type { ScheduleSpec } from '@temporalio/client';
import { milliseconds } from '../../contract/duration.js';
import type { ScheduleSettings } from '../../contract/schedule.js';

const MOST_JITTER = 120_000;

/** The specification of a schedule. Stacks with the same interval start at different, stable times. */
export function scheduleSpec(stackId: string, settings: ScheduleSettings): ScheduleSpec {
  const { every, cron, calendars, timezone } = settings;
  const interval = every === undefined ? undefined : milliseconds(every);
  const jitter =
    settings.jitter === undefined
      ? Math.min(MOST_JITTER, Math.floor((interval ?? Infinity) / 10))
      : milliseconds(settings.jitter);
  return {
    ...(interval === undefined
      ? {}
      : { intervals: [{ every: interval, offset: stableOffset(stackId, interval) }] }),
    ...(cron === undefined ? {} : { cronExpressions: [cron].flat() }),
    // The SDK's names of months and days are numbers here.
    ...(calendars === undefined ? {} : { calendars: calendars as ScheduleSpec['calendars'] }),
    ...(timezone === undefined ? {} : { timezone }),
    jitter,
  } as ScheduleSpec;
}

/** Whole seconds within the interval, in milliseconds; the server takes no smaller parts. */
export function stableOffset(stackId: string, interval: number): number {
  const seconds = Math.max(1, Math.floor(interval / 1000));
  return (createHash('sha256').update(stackId).digest().readUInt32BE(0) % seconds) * 1000;
}

/** `every 1h`, `cron 0 3 * * *`: settings in a few words. */
export function describeWhen({ every, cron, calendars, timezone }: ScheduleSettings): string {
  const zone = timezone === undefined ? '' : ` ${timezone}`;
  if (every !== undefined) return `every ${every}`;
  if (cron !== undefined) return `cron ${[cron].flat().join(' | ')}${zone}`;
  const comments = (calendars ?? []).flatMap(({ comment }) => (comment ? [comment] : []));
  return `calendar ${comments.join(', ') || `(${calendars?.length ?? 0})`}${zone}`;
}
