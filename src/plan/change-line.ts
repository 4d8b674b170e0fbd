/** A change as a line of canonical JSON: what a plan is digested and stored as. As objects, 20 MB of changes were 100 MB. */
import { canonicalJson } from '../contract/canonical-json.js';
import { changeSchema, type Change } from '../contract/change.js';
import { parseJsonFast, type Json } from '../contract/json.js';

/** The line of a change, without its line feed. Throws `ZodError` when it has the wrong form. */
export function changeLine(change: Change): Buffer {
  // Unknown members go now: they would not be there when the plan is loaded, and its digest would differ.
  return Buffer.from(canonicalJson(changeSchema.parse(change) as unknown as Json));
}

/** The change of a line. */
export function readChange(line: Buffer): Change {
  return changeSchema.parse(parseJsonFast(line.toString('utf8')));
}

/** What is changed and how: all that a receipt needs of a change. */
export function readSubject(line: Buffer): Pick<Change, 'resource' | 'action'> {
  const { resource, action } = readChange(line);
  return { resource, action };
}
