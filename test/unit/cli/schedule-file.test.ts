import { describe, expect, test } from 'vitest';
import { parseScheduleFile } from '../../../cli/schedule-file.js';
import type { CodedError } from '../../../src/errors.js';

function problems(text: string): string[] {
  try {
    parseScheduleFile(text, 'schedules.yaml');
  } catch (error) {
    return (error as CodedError).detail?.['issues'] as string[];
  }
  return [];
}

describe('a file of schedules', () => {
  test('names settings by stack; what stacks share is said once', () => {
    const text = `
stacks:
  shop-eu: &usual {every: 1h, onDrift: accept}
  shop-us: {<<: *usual, every: 2h}
  "007": {cron: "0 3 * * *", timezone: Europe/Berlin}
`;
    expect(parseScheduleFile(text, 'schedules.yaml')).toEqual({
      'shop-eu': { every: '1h', onDrift: 'accept' },
      'shop-us': { every: '2h', onDrift: 'accept' },
      '007': { cron: '0 3 * * *', timezone: 'Europe/Berlin', onDrift: 'report' },
    });
  });

  test('may be JSON', () => {
    expect(parseScheduleFile('{"stacks":{"a":{"every":"1h"}}}', 'x.json')).toHaveProperty('a');
  });

  test('tells every unknown key and wrong value with its line', () => {
    const text = `stacks:
  shop-eu:
    every: 1h
    onDrfit: accept
  shop-us:
    every: hourly
  shop-asia:
    every: 1h
    cron: "@daily"
prune: true
`;
    expect(problems(text).sort()).toEqual([
      'schedules.yaml:10: prune: unknown key',
      expect.stringMatching(/^schedules\.yaml:4: stacks\.shop-eu\.onDrfit: unknown key$/),
      expect.stringMatching(/^schedules\.yaml:6: stacks\.shop-us\.every: not a duration/),
      expect.stringMatching(/^schedules\.yaml:7: stacks\.shop-asia: exactly one of every/),
    ]);
  });

  test('tells a stack that comes twice, and broken YAML', () => {
    expect(problems('stacks:\n  a: {every: 1h}\n  a: {every: 2h}\n')).toEqual([
      expect.stringMatching(/^schedules\.yaml:3: .*unique/),
    ]);
    expect(problems('stacks: [\n')[0]).toMatch(/^schedules\.yaml:\d/);
    expect(problems('stacks:\n  Big Name: {every: 1h}\n')[0]).toMatch(/^schedules\.yaml:2: /);
  });
});
