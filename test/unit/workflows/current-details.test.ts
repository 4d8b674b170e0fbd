import { expect, test } from 'vitest';
import type { OperationState, PlanView } from '../../../src/contract/operation.js';
import {
  decideJson,
  LINE,
  receiptLine,
  renderDetails,
} from '../../../workflows/current-details.js';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const state: OperationState = {
  stackId: `${'very-long-'.repeat(9)}stack`,
  operation: 'apply',
  phase: 'awaiting-approval',
  phaseSince: '2026-01-01T00:00:00.000Z',
  requestedBy: 'someone with quite a long name who asks for things@example.com',
  decideUntil: '2026-01-02T03:04:05.678Z',
  planDigest: digest,
  decisions: [],
};
const plan = {
  planDigest: digest,
  image: `registry.example.com/modules/postgres@${digest}`,
  summary: {
    create: 30,
    update: 0,
    delete: 1,
    replace: 0,
    read: 2,
    move: 0,
    import: 0,
    forget: 0,
    output: 0,
  },
  changes: Array.from({ length: 30 }, (_, index) => ({
    resource: `module.${'deep.'.repeat(12)}thing[${index}]`,
    action: 'create' as const,
  })),
  changeCount: 31,
  outputChanges: [],
  drift: [],
  notices: ['a notice that goes on for longer than the half-width frame of the page can show'],
} as unknown as PlanView;

test('no line of code is longer than the page shows, and what has to be pasted is near the top', () => {
  const text = renderDetails({ ...state, logs: 'https://iac.example.com/log' }, plan);
  for (const [, code = ''] of text.matchAll(/```\w*\n([^]*?)```/g))
    for (const line of code.split('\n')) expect(line.length, line).toBeLessThanOrEqual(LINE);
  const lines = text.split('\n').filter((line) => line !== '');
  expect(lines.findIndex((line) => line.includes('"planDigest"'))).toBeLessThan(8);
  expect(lines.findIndex((line) => line.includes('[the log](https:'))).toBeLessThan(4);
});

test('the pasted JSON is pretty-printed, whole, and names the plan by 16 digits', () => {
  const text = decideJson(digest);
  expect(renderDetails(state, plan)).toContain(text);
  expect(JSON.parse(text)).toEqual({
    decision: 'approve',
    planDigest: '0123456789abcdef',
    by: 'YOUR NAME',
  });
  expect(text.split('\n').length).toBeGreaterThan(3);
});

test('counts, time limit and how many changes are not shown', () => {
  const text = renderDetails(state, plan);
  expect(text).toContain('30 create, 1 delete');
  expect(text).toContain('until 2026-01-02 03:04 UTC');
  expect(text).toContain('… and 11 more');
});

test('nothing is asked in any other phase', () => {
  expect(renderDetails({ ...state, phase: 'apply' }, plan)).not.toContain('decide');
});

test('a receipt says what became of the changes, zeros left out', () => {
  const receipt = { done: 3, failed: 1, not_reached: 0, unapproved: 0, entries: [] };
  expect(receiptLine(receipt)).toBe('receipt: 3 done, 1 failed');
  const text = renderDetails({ ...state, phase: 'done' }, plan, [receiptLine(receipt)]);
  expect(text.split('\n')[2]).toBe('receipt: 3 done, 1 failed');
});

test('a run that was lost before is told above everything that is to be approved', () => {
  const lostRun = {
    planDigest: digest,
    attempt: 1,
    operation: 'apply' as const,
    workflowId: 'stack:s',
    runId: 'r',
    at: '2026-01-01T02:03:04.000Z',
    message: 'lost',
    receipt: { done: 1, failed: 1, not_reached: 0, unapproved: 0, entries: [] },
  };
  const shown = renderDetails(state, { ...plan, lostRun });
  const line = '⚠ the apply of 2026-01-01 02:03 UTC was lost · receipt: 1 done, 1 failed';
  expect(shown).toContain(line);
  expect(shown.indexOf(line)).toBeLessThan(shown.indexOf('decide'));
});
