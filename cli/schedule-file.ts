/** The file of `schedule sync`: settings by stack, every mistake told with its line. */
import { isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import * as z from 'zod';
import { stackIdSchema } from '../src/contract/operation.js';
import { scheduleSettingsSchema, type ScheduleSettings } from '../src/contract/schedule.js';
import { CodedError } from '../src/errors.js';

const fileSchema = z.strictObject({
  stacks: z.record(stackIdSchema, scheduleSettingsSchema),
});

/**
 * Reads YAML (or JSON): `stacks: {STACK: {every: 1h, …}}`; anchors and merge keys may carry what stacks share.
 * Throws `InvalidInput` that names every unknown key, wrong value and duplicate as `file:line`.
 */
export function parseScheduleFile(text: string, name: string): Record<string, ScheduleSettings> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true, uniqueKeys: true });
  const problems = document.errors.map(
    ({ linePos, message }) => `${name}:${linePos?.[0].line ?? 1}: ${firstLine(message)}`,
  );
  if (problems.length > 0) throw invalid(problems);
  const parsed = fileSchema.safeParse(document.toJS());
  if (parsed.success) return parsed.data.stacks;
  throw invalid(
    parsed.error.issues.flatMap((issue) => {
      const path = issue.path as (string | number)[];
      const at = (key?: string): string => {
        const offset = offsetOf(document, key === undefined ? path : [...path, key]);
        return `${name}:${lines.linePos(offset).line}: ${[...path, ...(key === undefined ? [] : [key])].join('.')}`;
      };
      if (issue.code === 'unrecognized_keys')
        return issue.keys.map((key) => `${at(key)}: unknown key`);
      return [`${at()}: ${issue.message}`];
    }),
  );
}

/** Where the key at a path stands, or the nearest one above it. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent =
      length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    if (!isMap(parent)) continue;
    const pair = parent.items.find(
      ({ key }) => isScalar(key) && String(key.value) === String(path[length - 1]),
    );
    if (isScalar(pair?.key) && pair.key.range) return pair.key.range[0];
  }
  return 0;
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
}

function invalid(problems: readonly string[]): CodedError {
  return new CodedError('InvalidInput', problems.join('; '), { detail: { issues: [...problems] } });
}
