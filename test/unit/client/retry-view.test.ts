import { expect, test } from 'vitest';
import { retryView } from '../../../src/client/retry-view.js';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const at = (seconds: number) => ({ seconds: (NOW / 1000 + seconds) as never });
const failed = {
  activityType: { name: 'push' },
  attempt: 3,
  lastFailure: {
    message: 'registry.example.com does not answer',
    applicationFailureInfo: { type: 'RegistryUnavailable' },
  },
};

test('a step that waits for its next try says which, when and why', () => {
  const waiting = { ...failed, scheduledTime: at(20), lastStartedTime: at(-10) };
  expect(retryView([{ activityType: { name: 'prepare' } }, waiting], NOW)).toEqual({
    step: 'push',
    attempt: 3,
    reason: 'RegistryUnavailable: registry.example.com does not answer',
    at: new Date(NOW + 20_000),
  });
});

test('a try that is under way has no time any more', () => {
  const running = { ...failed, scheduledTime: at(-5), lastStartedTime: at(-4) };
  expect(retryView([running], NOW)).not.toHaveProperty('at');
});

test('a step that never failed is nothing to tell', () => {
  expect(retryView([{ activityType: { name: 'build' }, attempt: 1 }], NOW)).toBeUndefined();
  expect(retryView(null, NOW)).toBeUndefined();
});
