/** Failures as workflow history takes them: the useful part of what may be megabytes. */
import type { Failure } from '../contract/error-code.js';

/** Characters of a log's end. */
const TAIL = 4000;
/** Entries of a list. */
const ENTRIES = 20;

/** Cuts the log to its end and every list of the detail to its first entries. */
export function boundFailure(failure: Failure): Failure {
  if (failure.detail === undefined) return failure;
  const detail = Object.fromEntries(
    Object.entries(failure.detail).map(([name, value]) => [name, bounded(value)]),
  );
  return { ...failure, detail };
}

function bounded(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(-TAIL);
  if (Array.isArray(value)) return value.slice(0, ENTRIES);
  if (value === null || typeof value !== 'object') return value;
  const { entries } = value as { entries?: unknown };
  return Array.isArray(entries) ? { ...value, entries: entries.slice(0, ENTRIES) } : value;
}
