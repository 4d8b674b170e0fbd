import { expect, test } from 'vitest';
import { issueLines } from '../../../src/contract/issues.js';
import { operationInputSchema } from '../../../src/contract/operation.js';

function lines(value: unknown): string[] {
  const parsed = operationInputSchema.safeParse(value);
  return parsed.success ? [] : issueLines(parsed.error);
}

test('every mistake is one line with its place', () => {
  const found = lines({ stackId: 'No', operation: 'apply', limits: { pids: 1 }, colour: 'red' });
  expect(found).toHaveLength(3);
  expect(found[0]).toMatch(/^stackId: not a stack id/);
  expect(found[1]).toMatch(/^limits\.pids: /);
  expect(found[2]).toContain('colour');
});

test('of a union, every form says what it lacks', () => {
  const [line] = lines({ stackId: 'a', operation: 'apply', module: { image: 3 } });
  expect(line).toMatch(/^module: .*image.*, or .*path/);
});
