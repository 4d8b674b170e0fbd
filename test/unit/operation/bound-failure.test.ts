import { expect, test } from 'vitest';
import { boundFailure } from '../../../src/operation/bound-failure.js';

test('a log keeps its end, lists and receipts their first entries, and everything else stays', () => {
  const diagnostics = Array.from({ length: 500 }, (_, index) => ({
    severity: 'error' as const,
    summary: `problem ${index}`,
  }));
  const receipt = {
    done: 3,
    entries: Array.from({ length: 200 }, (_, index) => ({ resource: `r${index}` })),
  };
  const { detail } = boundFailure({
    code: 'ModuleFailed',
    message: 'it failed',
    detail: { diagnostics, logTail: `${'x'.repeat(1_000_000)}the end`, exitCode: 1, receipt },
  });
  expect(detail?.diagnostics).toHaveLength(20);
  expect(detail?.diagnostics?.[0]?.summary).toBe('problem 0');
  expect(detail?.logTail?.endsWith('the end')).toBe(true);
  expect(JSON.stringify(detail).length).toBeLessThan(10_000);
  expect(detail).toMatchObject({ exitCode: 1, receipt: { done: 3 } });
  expect(boundFailure({ code: 'ModuleFailed', message: 'x' })).toEqual({
    code: 'ModuleFailed',
    message: 'x',
  });
});
