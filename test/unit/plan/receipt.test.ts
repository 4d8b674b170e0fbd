import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Change, ChangeAction } from '../../../src/contract/change.js';
import { compareReceipt, type DoneEvent, type ToolEnd } from '../../../src/plan/receipt.js';

const change = (resource: string, action: ChangeAction): Change => ({ resource, action });
const event = (
  resource: string,
  action: string,
  status: DoneEvent['status'] = 'done',
): DoneEvent => ({
  resource,
  action,
  status,
});
const statuses = (
  approved: Change[],
  events: DoneEvent[],
  end: ToolEnd = 'failed',
): Record<string, string> =>
  Object.fromEntries(
    compareReceipt(approved, events, end).entries.map(({ resource, status }) => [resource, status]),
  );

describe('a receipt', () => {
  test('tells done, failed and not reached apart', () => {
    const approved = ['a', 'b', 'c', 'd'].map((name) => change(name, 'create'));
    const events = [
      ...['a', 'b', 'c'].map((name) => event(name, 'create', 'started')),
      event('a', 'create'),
      event('b', 'create', 'failed'),
    ];
    expect(compareReceipt(approved, events, 'failed')).toMatchObject({
      done: 1,
      failed: 2,
      not_reached: 1,
      unapproved: 0,
    });
    expect(statuses(approved, events)).toEqual({
      a: 'done',
      b: 'failed',
      c: 'failed',
      d: 'not-reached',
    });
  });

  test('a replacement is done when both halves are, in the words of either engine', () => {
    const approved = [change('a', 'replace')];
    expect(statuses(approved, [event('a', 'delete')])).toEqual({ a: 'failed' });
    expect(statuses(approved, [event('a', 'delete'), event('a', 'create')])).toEqual({ a: 'done' });
    expect(
      statuses(approved, [event('a', 'create-replacement'), event('a', 'delete-replaced')]),
    ).toEqual({ a: 'done' });
    expect(statuses(approved, [event('a', 'delete'), event('a', 'create', 'failed')])).toEqual({
      a: 'failed',
    });
  });

  test('names what nobody approved: another resource, or another action', () => {
    const receipt = compareReceipt(
      [change('a', 'update')],
      [event('b', 'create'), event('a', 'delete')],
      'succeeded',
    );
    expect(receipt.unapproved).toBe(2);
    expect(receipt.entries.slice(0, 2)).toEqual([
      { resource: 'b', action: 'create', status: 'unapproved' },
      { resource: 'a', action: 'delete', status: 'unapproved' },
    ]);
  });

  test('what changes nothing needs no approval', () => {
    const events = ['read', 'same', 'refresh', 'no-op'].map((action) => event('x', action));
    expect(compareReceipt([], events, 'succeeded').entries).toEqual([]);
  });

  test('bookkeeping without an event is done with a run that succeeded', () => {
    const approved = (['move', 'forget', 'import'] as const).map((action) =>
      change(action, action),
    );
    expect(new Set(Object.values(statuses(approved, [], 'succeeded')))).toEqual(new Set(['done']));
    expect(new Set(Object.values(statuses(approved, [], 'failed')))).toEqual(
      new Set(['not-reached']),
    );
  });

  test('claims of a lost run only what there is a sign of', () => {
    const approved = ['a', 'b', 'c'].map((name) => change(name, 'create'));
    const events = [event('a', 'create'), event('b', 'create', 'started')];
    expect(statuses(approved, events, 'lost')).toEqual({ a: 'done', b: 'failed', c: 'unknown' });
    expect(compareReceipt(approved, events, 'lost')).toMatchObject({ not_reached: 0, unknown: 1 });
  });

  test('keeps 200 entries, the bad ones first, and counts all', () => {
    const approved = Array.from({ length: 5000 }, (_, index) => change(`r${index}`, 'create'));
    const events = [
      ...approved.slice(1).map(({ resource }) => event(resource, 'create')),
      event('r0', 'create', 'failed'),
    ];
    const receipt = compareReceipt(approved, events, 'failed');
    expect(receipt).toMatchObject({ done: 4999, failed: 1 });
    expect(receipt.entries).toHaveLength(200);
    expect(receipt.entries[0]).toMatchObject({ resource: 'r0', status: 'failed' });
  });

  test('every approved change is in exactly one count', () => {
    const action = fc.constantFrom<ChangeAction>(
      'create',
      'update',
      'delete',
      'replace',
      'read',
      'move',
      'import',
      'forget',
    );
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ resource: name, action }), {
          selector: ({ resource }) => resource,
        }),
        fc.array(
          fc.record({
            resource: name,
            action,
            status: fc.constantFrom('started' as const, 'done' as const, 'failed' as const),
          }),
        ),
        fc.constantFrom<ToolEnd>('succeeded', 'failed', 'lost'),
        (approved, events, end) => {
          const {
            done,
            failed,
            not_reached: notReached,
            unknown = 0,
            ...receipt
          } = compareReceipt(approved, events, end);
          expect(done + failed + notReached + unknown).toBe(approved.length);
          expect(end === 'lost' ? notReached : unknown).toBe(0);
          expect(receipt.entries).toHaveLength(approved.length + receipt.unapproved);
        },
      ),
    );
  });
});
