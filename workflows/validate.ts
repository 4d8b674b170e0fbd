/** Arguments of workflows and messages, checked first: what people paste comes with every mistake. */
import type * as z from 'zod';
import { issueLines } from '../src/contract/issues.js';
import { applicationFailure } from './failures.js';

/** Parses by the schema; throws `InvalidInput` whose first line lists every issue. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  raw: unknown,
  what: string,
): z.output<Schema> {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issues = issueLines(parsed.error);
  throw applicationFailure({
    code: 'InvalidInput',
    message: `${what}: ${issues.join('; ')}`,
    detail: { issues },
  });
}
