/** One line of NDJSON that the entrypoint prints on stdout while it works. */
import * as z from 'zod';

export const entrypointEventSchema = z.discriminatedUnion('type', [
  /** A redacted line of the tool. */
  z.object({ type: z.literal('log'), stream: z.enum(['stdout', 'stderr']), message: z.string() }),
  /** The step that begins, e.g. `plan`, `apply`. */
  z.object({ type: z.literal('step'), step: z.string() }),
  /** A resource operation that started or ended. */
  z.object({
    type: z.literal('resource'),
    resource: z.string(),
    action: z.string(),
    status: z.enum(['started', 'done', 'failed']),
    seconds: z.number().optional(),
  }),
  /** Output beyond the cap that was counted and dropped. */
  z.object({ type: z.literal('dropped'), bytes: z.number().int() }),
  /** The sealed result: base64 of what `sealed-frame.ts` makes; always the last line. */
  z.object({ type: z.literal('result'), sealed: z.string() }),
  /** The answer in clear, when `/workspace` could not be written (exit code 74). */
  z.object({ type: z.literal('output'), output: z.unknown() }),
]);
export type EntrypointEvent = z.infer<typeof entrypointEventSchema>;

/** Exit codes of the entrypoint. */
export const EXIT = {
  success: 0,
  /** The answer says why. */
  failure: 1,
  /** `output.json` could not be written: the answer is the last line of stdout. */
  outputNotWritten: 74,
  /** The input did not arrive whole; nothing was run. */
  inputIncomplete: 75,
  /** Interrupted; the answer says what was done. */
  interrupted: 130,
} as const;
