import { describe, expect, test } from 'vitest';
import type { Change } from '../../../src/contract/change.js';
import { parseJournal, type JournalLine } from '../../../src/contract/journal.js';
import { judgeLostRun, type LostRunFindings } from '../../../src/plan/lost-run.js';

const at = '2026-01-01T00:00:00.000Z';
const opened: JournalLine = { type: 'opened', at };
const mutating: JournalLine = { type: 'mutating', step: 'apply', at };
const ended = (exitCode?: number): JournalLine =>
  exitCode === undefined
    ? { type: 'ended', signal: 'SIGKILL', at }
    : { type: 'ended', exitCode, at };
const event = (
  resource: string,
  status: 'started' | 'done' | 'failed',
  action = 'create',
): Extract<JournalLine, { type: 'resource' }> => ({ type: 'resource', resource, action, status });
const make = (...names: string[]): Change[] =>
  names.map((resource) => ({ resource, action: 'create' }));

function judge(more: Partial<LostRunFindings>) {
  return judgeLostRun({
    approved: make('a', 'b', 'c'),
    answered: false,
    journal: undefined,
    heard: [],
    stateIsSafe: true,
    tracked: new Set(['a', 'b', 'c']),
    pending: [],
    ...more,
  });
}

test('a whole answer counts, whatever else was found', () => {
  expect(judge({ answered: true, journal: [opened, mutating] })).toEqual({ kind: 'answered' });
});

test('nothing was done when the journal was opened and the command never began', () => {
  expect(judge({ journal: [opened] })).toEqual({ kind: 'not-done' });
});

test.each([
  ['there is no journal', undefined],
  ['the journal is empty', []],
  ['the journal has lost its beginning', [event('a', 'done')]],
])('without proof that nothing began it is unknown: %s', (_, journal) => {
  expect(judge({ journal })).toMatchObject({ kind: 'unknown' });
});

test('a tool that was killed: what is done, what is open, of what there is no sign', () => {
  const journal = [
    opened,
    mutating,
    event('a', 'started'),
    event('a', 'done'),
    event('b', 'started'),
  ];
  expect(judge({ journal, tracked: new Set() })).toMatchObject({
    kind: 'unknown',
    receipt: {
      done: 1,
      failed: 1,
      not_reached: 0,
      unknown: 1,
      entries: expect.arrayContaining([
        { resource: 'a', action: 'create', status: 'done' },
        { resource: 'b', action: 'create', status: 'failed', detail: 'it began and did not end' },
        { resource: 'c', action: 'create', status: 'unknown' },
      ]) as unknown,
    },
    open: [{ resource: 'b', operation: 'create' }],
    untracked: ['a'],
  });
});

describe('a tool that had ended', () => {
  const whole = [opened, mutating, ...['a', 'b', 'c'].map((name) => event(name, 'done')), ended(0)];

  test('is known when its state is safe', () => {
    expect(judge({ journal: whole })).toMatchObject({
      kind: 'known',
      succeeded: true,
      receipt: { done: 3, failed: 0 },
    });
    const failed = [opened, mutating, event('a', 'done'), event('b', 'failed'), ended(1)];
    expect(judge({ journal: failed, tracked: new Set(['a']) })).toMatchObject({
      kind: 'known',
      succeeded: false,
      receipt: { done: 1, failed: 1, not_reached: 1 },
    });
  });

  test.each([
    ['its state can not be read', { stateIsSafe: false }],
    ['the state lacks what it made', { tracked: new Set(['a', 'b']) }],
    [
      'the state names an operation under way',
      { pending: [{ resource: 'd', operation: 'creating' }] },
    ],
  ])('is unknown when %s', (_, more) => {
    expect(judge({ journal: whole, ...more })).toMatchObject({ kind: 'unknown' });
  });

  test('is unknown when a signal ended it, or when it was started again', () => {
    expect(judge({ journal: [opened, mutating, ended()] })).toMatchObject({ kind: 'unknown' });
    const again = [opened, mutating, ended(1), mutating];
    expect(judge({ journal: again })).toMatchObject({ kind: 'unknown' });
  });
});

test('without a journal the events that were heard are what is known', () => {
  const heard = [event('a', 'done'), event('b', 'started')];
  expect(judge({ heard, tracked: new Set(['a']) })).toMatchObject({
    kind: 'unknown',
    receipt: { done: 1, failed: 1, not_reached: 0, unknown: 1 },
    open: [{ resource: 'b', operation: 'create' }],
    untracked: [],
  });
});

test('what the state names as under way has begun, whatever the journal misses', () => {
  const pending = [{ resource: 'b', operation: 'creating' }];
  expect(judge({ journal: [opened, mutating], tracked: new Set(['a']), pending })).toMatchObject({
    receipt: {
      done: 0,
      failed: 1,
      unknown: 2,
      entries: expect.arrayContaining([
        { resource: 'b', action: 'create', status: 'failed', detail: 'it began and did not end' },
      ]) as unknown,
    },
    open: pending,
  });
});

test('what was made and destroyed again is not missing from the state', () => {
  const journal = [opened, mutating, event('a', 'done'), event('a', 'done', 'delete')];
  expect(judge({ journal, tracked: new Set() })).toMatchObject({ untracked: [] });
});

test('a journal whose last line was cut off is read up to it; one with foreign lines is not believed', () => {
  const text = [opened, mutating].map((line) => `${JSON.stringify(line)}\n`).join('');
  expect(parseJournal(`${text}{"type":"reso`)).toEqual([opened, mutating]);
  expect(parseJournal(`${text}{"type":"other"}\n`)).toBeUndefined();
  expect(parseJournal(`{"ty\n${text}`)).toBeUndefined();
  expect(parseJournal('')).toEqual([]);
});
