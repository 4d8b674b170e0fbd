import { expect, it } from 'vitest';
import { readableSize } from '../../../src/setup/doctor/readable-size.js';

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [1_200_001, '1.3 MB'],
  [412_500_000, '413 MB'],
  [2_000_000_000, '2.0 GB'],
])('%d bytes are %s', (bytes, text) => {
  expect(readableSize(bytes)).toBe(text);
});
