import { expect, test } from 'vitest';
import { announcedChanges, createReceipt } from '../../../entrypoint/tools/opentofu/receipt.js';

const end = (
  resource: string,
  action: string,
  failed = false,
): { resource: string; action: string; failed: boolean } => ({
  resource,
  action,
  failed,
});

test('done, failed, not reached; failed ones first', () => {
  const receipt = createReceipt(
    [
      { resource: 'a', action: 'create' },
      { resource: 'b', action: 'update' },
      { resource: 'c', action: 'delete' },
    ],
    [end('a', 'create'), end('b', 'update', true)],
    false,
    true,
  );
  expect(receipt).toEqual({
    done: 1,
    failed: 1,
    not_reached: 1,
    unapproved: 0,
    entries: [
      { resource: 'b', action: 'update', status: 'failed' },
      { resource: 'c', action: 'delete', status: 'not-reached' },
      { resource: 'a', action: 'create', status: 'done' },
    ],
  });
});

test('a replacement is done with both halves; half of one is told', () => {
  const replace = [{ resource: 'a', action: 'replace' as const }];
  expect(createReceipt(replace, [end('a', 'delete'), end('a', 'create')], true, true).done).toBe(1);
  expect(
    createReceipt(replace, [end('a', 'delete'), end('a', 'create', true)], false, true).entries,
  ).toEqual([
    { resource: 'a', action: 'replace', status: 'failed', detail: 'only delete was done' },
  ]);
});

test('an object and its left-over are two changes of one address', () => {
  const receipt = createReceipt(
    [
      { resource: 'a', action: 'update' },
      { resource: 'a', action: 'delete' },
    ],
    [end('a', 'delete'), end('a', 'update', true)],
    false,
    true,
  );
  expect(receipt).toMatchObject({ done: 1, failed: 1, unapproved: 0 });
});

test('what nobody approved is told, reads are not', () => {
  const receipt = createReceipt([], [end('x', 'delete'), end('data.y', 'read')], true, true);
  expect(receipt).toMatchObject({
    unapproved: 1,
    entries: [{ resource: 'x', status: 'unapproved' }],
  });
});

test('changes of the state alone are done when the state was written', () => {
  const moves = [
    { resource: 'a', action: 'move' as const },
    { resource: 'b', action: 'import' as const },
  ];
  expect(createReceipt(moves, [], true, false).done).toBe(2);
  expect(createReceipt(moves, [], false, true).done).toBe(2);
  expect(createReceipt(moves, [], false, false).not_reached).toBe(2);
});

test('5,000 entries: counts are whole, the list is cut', () => {
  const changes = Array.from({ length: 5000 }, (_, index) => ({
    resource: `a[${index}]`,
    action: 'create' as const,
  }));
  const receipt = createReceipt(
    changes,
    changes.map(({ resource }) => end(resource, 'create')),
    true,
    true,
  );
  expect(receipt.done).toBe(5000);
  expect(receipt.entries).toHaveLength(200);
});

test("the tool's announcement in the contract's words", () => {
  expect(
    announcedChanges([
      { resource: 'a', action: 'noop' },
      { resource: 'b', action: 'remove' },
      { resource: 'c', action: 'replace' },
    ]),
  ).toEqual([
    { resource: 'b', action: 'forget' },
    { resource: 'c', action: 'replace' },
  ]);
});
