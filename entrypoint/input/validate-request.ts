import type * as z from 'zod';
import {
  moduleRequestSchema,
  parseJson,
  type Json,
  type ModuleRequest,
} from '../../src/contract/index.js';
import { FailureError } from '../failure-error.js';

/** Parses and validates `input.json`. Throws `FailureError` `InvalidInput` that lists every issue. */
export function validateRequest(text: string): ModuleRequest {
  let raw: Json;
  try {
    raw = parseJson(text);
  } catch (error) {
    throw new FailureError('InvalidInput', `input.json is not JSON: ${firstLine(error)}`);
  }
  const result = moduleRequestSchema.safeParse(raw);
  if (!result.success) {
    const issues = result.error.issues.flatMap(describeIssue);
    throw new FailureError('InvalidInput', `input.json is invalid: ${issues.join('; ')}`, {
      issues,
    });
  }
  return result.data;
}

/** One line per problem, the place first: `options.parallelism: Invalid input: expected number, received string`. */
export function describeIssue(issue: z.core.$ZodIssue): string[] {
  const place = issue.path.length === 0 ? '' : `${issue.path.map(String).join('.')}: `;
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${place}unknown field "${key}"`);
  if (issue.code === 'invalid_value')
    return [
      `${place}expected one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`,
    ];
  return [`${place}${issue.message}`];
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}
