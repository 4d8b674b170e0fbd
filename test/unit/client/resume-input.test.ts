import { expect, test } from 'vitest';
import { resumeInput } from '../../../src/client/resume-input.js';

const run = { workflowId: 'stack:s', runId: 'r' };
const lostRun = {
  ...run,
  planDigest: `sha256:${'1'.repeat(64)}`,
  attempt: 1,
  operation: 'destroy' as const,
  at: '2026-01-01T00:00:00.000Z',
  message: 'lost',
};

test('the operation is the one that was lost, or the one that was left behind', () => {
  const options = { requestedBy: 'ann', limits: { memory: 100_000_000 } };
  expect(resumeInput({ stackId: 's', lostRun }, options)).toEqual({
    stackId: 's',
    operation: 'destroy',
    resume: true,
    ...options,
  });
  const openRun = { ...run, operation: 'apply' };
  expect(resumeInput({ stackId: 's', openRun })).toMatchObject({ operation: 'apply' });
});

test('a stack without a lost run has nothing to resume', () => {
  expect(() => resumeInput({ stackId: 's' })).toThrow('no run of stack s was lost');
});
