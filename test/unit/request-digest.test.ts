import { expect, test } from 'vitest';
import { parseInput } from '../../src/client/start-options.js';
import { LosslessNumber } from '../../src/contract/json.js';
import type { OperationInput } from '../../src/contract/operation.js';
import { requestDigest } from '../../src/request-digest.js';

const input: OperationInput = {
  stackId: 's',
  operation: 'apply',
  module: { image: 'i' },
  inputs: { a: 1, b: new LosslessNumber('12345678901234567890') },
};
const digest = (more: Partial<OperationInput>): string =>
  requestDigest(parseInput({ ...input, ...more }));

test.each<[string, Partial<OperationInput>]>([
  ['who asks', { requestedBy: 'ann' }],
  ['why', { reason: 'because' }],
  ['tags', { tags: ['x'] }],
  ['what to do with a busy stack', { onBusy: 'supersede' }],
  ['the id itself', { requestId: 'r' }],
  ['order of members', { inputs: { b: new LosslessNumber('12345678901234567890'), a: 1 } }],
])('%s is no part of what is asked for', (_name, more) => {
  expect(digest(more)).toBe(digest({}));
});

test.each<[string, Partial<OperationInput>]>([
  ['the action', { operation: 'preview' }],
  ['the module', { module: { image: 'j' } }],
  ['an input', { inputs: { a: 2, b: new LosslessNumber('12345678901234567890') } }],
  [
    'the last digit of a number',
    { inputs: { a: 1, b: new LosslessNumber('12345678901234567891') } },
  ],
  ['an option', { options: { targets: ['x.y'] } }],
  ['the approval', { approval: { mode: 'auto', expiresIn: '24h' } }],
])('%s is', (_name, more) => {
  expect(digest(more)).not.toBe(digest({}));
});
