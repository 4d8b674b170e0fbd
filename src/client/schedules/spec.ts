/** When a stack's checks come, in Temporal's terms: spread over the interval, the same way every time. */
import { createHash } from 'node:crypto';
import { DAYS_OF_WEEK, MONTHS, type CalendarSpec, type ScheduleSpec } from '@temporalio/client';
import { milliseconds } from '../../contract/duration.js';
import type { ScheduleSettings } from '../../contract/schedule.js';

type Calendar = NonNullable<ScheduleSettings['calendars']>[number];

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
    ...(calendars === undefined ? {} : { calendars: calendars.map(calendarSpec) }),
    ...(timezone === undefined ? {} : { timezone }),
    jitter,
  } as ScheduleSpec;
}

/** The SDK takes months and days of the week by their names only (1.24). */
function calendarSpec({ month, dayOfWeek, ...calendar }: Calendar): CalendarSpec {
  return {
    ...calendar,
    ...(month === undefined ? {} : { month: named(month, (number) => MONTHS[number - 1]) }),
    ...(dayOfWeek === undefined
      ? {}
      : { dayOfWeek: named(dayOfWeek, (number) => DAYS_OF_WEEK[number]) }),
  } as CalendarSpec;
}

function named(value: Calendar['month'], name: (number: number) => string | undefined): unknown {
  if (Array.isArray(value)) return value.map((each) => named(each, name));
  if (typeof value === 'number') return name(value);
  if (value === undefined || typeof value === 'string') return value;
  const { start, end, ...step } = value as { start: number; end?: number };
  return { start: name(start), ...(end === undefined ? {} : { end: name(end) }), ...step };
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
