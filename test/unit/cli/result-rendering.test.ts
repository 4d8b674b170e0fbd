import { describe, expect, it } from 'vitest';
import { renderReceipt } from '../../../cli/render/receipt.js';
import { renderResult } from '../../../cli/render/result.js';
import { createStyle } from '../../../cli/render/style.js';
import type { OperationResult } from '../../../src/contract/operation.js';

const plain = createStyle(false);
const result = (more: Partial<OperationResult>): OperationResult => ({
  outcome: 'succeeded',
  stackId: 'db',
  operation: 'apply',
  decisions: [],
  timings: {},
  ...more,
});

describe('a receipt', () => {
  it('counts what was done, what failed, what was not reached and what nobody approved', () => {
    const lines = renderReceipt(
      {
        done: 1,
        failed: 1,
        not_reached: 300,
        unapproved: 1,
        unknown: 1,
        entries: [
          {
            resource: 'a.failed',
            action: 'create',
            status: 'failed',
            detail: 'no\u001b[31m space',
          },
          { resource: 'a.extra', action: 'delete', status: 'unapproved' },
          { resource: 'a.lost', action: 'create', status: 'unknown' },
          { resource: 'a.done', action: 'update', status: 'done' },
          { resource: 'a.rest', action: 'update', status: 'not-reached' },
        ],
      },
      plain,
    );
    expect(lines).toEqual([
      'Receipt: 1 done, 1 failed, 1 unknown, 300 not reached, 1 not approved',
      '  FAILED       create  a.failed: no\\u001b[31m space',
      '  NOT APPROVED delete  a.extra',
      '  unknown      create  a.lost',
      '  done         update  a.done',
      '  not reached  update  a.rest',
      '  … and 299 more',
    ]);
  });

  it('is no line at all when nothing was to be done', () => {
    const none = { done: 0, failed: 0, not_reached: 0, unapproved: 0, entries: [] };
    expect(renderReceipt(none, plain)).toEqual([]);
  });
});

describe('a result', () => {
  it('shows outputs whole, sensitive ones masked, and notices', () => {
    const text = renderResult(
      result({
        outputs: {
          url: { sensitive: true },
          list: { value: [1, { a: 'b' }] },
          name: { value: 'db' },
        },
        notices: ['the backend block is overridden'],
      }),
      plain,
    ).join('\n');
    expect(text).toBe(`
Outputs:
  list = [
      1,
      {
          a = "b"
      },
  ]
  name = "db"
  url  = (sensitive value)

notice: the backend block is overridden

Done: apply db`);
  });

  it.each([
    ['no-changes', 'Nothing to do: apply db'],
    ['rejected', 'Rejected: apply db by ada: not now'],
    ['expired', 'Expired: apply db; nobody decided in time, start it again'],
    ['superseded', 'Superseded: apply db gave way to another operation'],
  ] as const)('says in words that it is %s', (outcome, line) => {
    const decisions = [
      {
        decision: 'reject' as const,
        planDigest: 'sha256:0',
        by: 'ada',
        at: '',
        comment: 'not now',
      },
    ];
    expect(renderResult(result({ outcome, decisions }), plain).at(-1)).toBe(line);
  });
});
