/** Arguments of workflows and messages, checked first: what people paste comes with every mistake. */
import type * as z from 'zod';
import { applicationFailure } from './failures.js';

/** Parses by the schema; throws `InvalidInput` whose first line lists every issue. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  raw: unknown,
  what: string,
): z.output<Schema> {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issues = flatten(parsed.error.issues);
  throw applicationFailure({
    code: 'InvalidInput',
    message: `${what}: ${issues.join('; ')}`,
    detail: { issues },
  });
}

function flatten(issues: readonly z.core.$ZodIssue[]): string[] {
  return issues.map((issue) => {
    const path = issue.path.map(String).join('.');
    return path === '' ? issue.message : `${path}: ${issue.message}`;
  });
}
