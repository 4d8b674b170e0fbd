import { pino } from 'pino';
import { expect, test } from 'vitest';
import { temporalLogger } from '../../../src/log.js';

function logged(): {
  lines: Record<string, unknown>[];
  log: ReturnType<typeof temporalLogger>;
  clock: { now: number };
} {
  const lines: Record<string, unknown>[] = [];
  const clock = { now: 0 };
  const sink = {
    write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  };
  const log = temporalLogger(pino({ level: 'debug', base: null }, sink), () => clock.now);
  return { lines, log, clock };
}

test('an outage is a line now and then, with a count of what was left out', () => {
  const { lines, log, clock } = logged();
  for (let second = 0; second < 60; second += 1) {
    clock.now = second * 1000;
    log.warn('gRPC call failed');
  }
  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatchObject({ msg: 'gRPC call failed', repeated: 29 });
});

test('fields that say where are kept; arguments, causes and stack traces are not', () => {
  const { lines, log } = logged();
  const error = Object.assign(new Error('failed'), { cause: new Error('s3cret') });
  log.error('Activity failed', { workflowId: 'stack:a', attempt: 2, args: ['s3cret'], error });
  expect(lines[0]).toMatchObject({ workflowId: 'stack:a', attempt: 2, reason: 'failed' });
  expect(JSON.stringify(lines)).not.toContain('s3cret');
});

test('what the SDK warns of although it is meant so is not logged', () => {
  const { lines, log } = logged();
  log.warn('No workflows registered, not polling for workflow tasks');
  expect(lines).toEqual([]);
});
