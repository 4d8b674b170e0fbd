/** Scheduled drift checks: what the workflow takes and gives, and when it comes. */
import * as z from 'zod';
import { changeSummarySchema } from './change.js';
import { approvalSchema, durationSchema, limitsSchema, stackIdSchema } from './operation.js';
import { digestSchema } from './request.js';

/** What is started when new drift is found: nothing, a `refresh` that accepts it, or an `apply` that puts things back. */
export const onDriftSchema = z.enum(['report', 'accept', 'restore']);
export type OnDrift = z.infer<typeof onDriftSchema>;

/** Input of the workflow `scheduledRefresh`. */
export const scheduledRefreshInputSchema = z.strictObject({
  stackId: stackIdSchema,
  onDrift: onDriftSchema.default('report'),
  /** How the operation that drift starts is approved. */
  approval: approvalSchema.optional(),
  limits: limitsSchema.optional(),
  /** Names of credentials; default: those of the stack's last run. */
  credentials: z.array(z.string()).optional(),
  requestedBy: z.string().max(200).optional(),
});
export type ScheduledRefreshInput = z.infer<typeof scheduledRefreshInputSchema>;

/** What a drift check found: `known` drift was reported before. */
export const driftSchema = z.enum(['none', 'new', 'known']);

/** Result of the workflow `scheduledRefresh`. */
export const scheduledRefreshResultSchema = z.object({
  stackId: stackIdSchema,
  drift: driftSchema,
  /** Counts of what changed outside. */
  summary: changeSummarySchema,
  /** What this drift is recognised by; absent without drift. */
  fingerprint: digestSchema.optional(),
  /** The plan that shows it. */
  planDigest: digestSchema,
  /** The operation that the rule started. */
  started: z.object({ workflowId: z.string(), runId: z.string() }).optional(),
  /** Why the rule started nothing. */
  skipped: z.enum(['busy']).optional(),
  notices: z.array(z.string()).optional(),
});
export type ScheduledRefreshResult = z.infer<typeof scheduledRefreshResultSchema>;

/** A number, `*`, a range, or a list of these, each number from `least` to `most`. */
function ranges(least: number, most: number) {
  const number = z.number().int().min(least).max(most);
  const range = z.union([
    number,
    z.literal('*'),
    z.strictObject({
      start: number,
      end: number.optional(),
      step: z.number().int().min(1).optional(),
    }),
  ]);
  return z.union([range, z.array(range).min(1)]);
}

/** Times as Temporal's calendars name them; an absent member means what Temporal's default says. */
export const calendarSchema = z.strictObject({
  second: ranges(0, 59).optional(),
  minute: ranges(0, 59).optional(),
  hour: ranges(0, 23).optional(),
  dayOfMonth: ranges(1, 31).optional(),
  month: ranges(1, 12).optional(),
  /** 0 is Sunday. */
  dayOfWeek: ranges(0, 6).optional(),
  year: ranges(2000, 9999).optional(),
  comment: z.string().max(200).optional(),
});

/** When a check comes, and what it does: exactly one of `every`, `cron` and `calendars`. */
export const scheduleSettingsSchema = scheduledRefreshInputSchema
  .omit({ stackId: true, requestedBy: true })
  .extend({
    every: durationSchema.optional(),
    cron: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional(),
    calendars: z.array(calendarSchema).min(1).optional(),
    /** Name of a time zone for `cron` and `calendars`; default UTC. */
    timezone: z.string().optional(),
    /** Longest random delay of each check; default a tenth of `every`, at most `2m`. */
    jitter: durationSchema.optional(),
    paused: z.boolean().optional(),
    /** Why it is paused, or what it is for. */
    note: z.string().max(500).optional(),
  })
  .superRefine(({ every, cron, calendars }, context) => {
    const given = [every, cron, calendars].filter((each) => each !== undefined).length;
    if (given !== 1)
      context.addIssue({
        code: 'custom',
        message: `exactly one of every, cron and calendars says when; ${given === 0 ? 'none' : given} given`,
      });
  });
export type ScheduleSettings = z.infer<typeof scheduleSettingsSchema>;
/** Settings as they may be written. */
export type ScheduleSettingsInput = z.input<typeof scheduleSettingsSchema>;
