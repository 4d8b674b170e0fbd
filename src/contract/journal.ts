/** What the entrypoint writes into the working volume while it changes things, for who finds the volume without its container. */
import * as z from 'zod';

/** Path of the journal below `/workspace`. */
export const JOURNAL_PATH = 'journal.ndjson';
/** Path of the sealed copy of the answer below `/workspace`. */
export const ANSWER_PATH = 'answer.sealed';

export const journalLineSchema = z.discriminatedUnion('type', [
  /** The request was read; nothing is changed before a line `mutating`. */
  z.object({ type: z.literal('opened'), at: z.string() }),
  /** The tool's mutating command starts right after this line is on the disk. */
  z.object({ type: z.literal('mutating'), step: z.string(), at: z.string() }),
  z.object({
    type: z.literal('resource'),
    resource: z.string(),
    action: z.string(),
    status: z.enum(['started', 'done', 'failed']),
  }),
  /** The mutating command ended by itself or by a signal. */
  z.object({
    type: z.literal('ended'),
    exitCode: z.number().int().optional(),
    signal: z.string().optional(),
    at: z.string(),
  }),
]);
export type JournalLine = z.infer<typeof journalLineSchema>;

/**
 * The lines of a journal. A last line without its end was being written and is left out; undefined when anything else
 * in it is not ours: then it proves nothing.
 */
export function parseJournal(text: string): JournalLine[] | undefined {
  const lines = text.split('\n').slice(0, -1);
  try {
    return lines.map((line) => journalLineSchema.parse(JSON.parse(line)));
  } catch {
    return undefined;
  }
}
