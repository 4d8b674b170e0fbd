/** The log of an operation as it is kept and served: numbered chunks of redacted lines. */
import * as z from 'zod';

export const logLineSchema = z.object({
  /** RFC 3339; of a container's line the Docker engine's clock, with nanoseconds. */
  at: z.string(),
  text: z.string(),
});
export type LogLine = z.infer<typeof logLineSchema>;

export const logChunkSchema = z.object({
  /** From 0, without gaps. */
  number: z.number().int(),
  /** The step that printed the lines: `build`, `push`, `preview`, `apply` or `settle`. */
  step: z.string(),
  lines: z.array(logLineSchema),
  /** Lines before these that could not be kept, because the store was away. */
  dropped: z.number().int().optional(),
});
export type LogChunk = z.infer<typeof logChunkSchema>;
