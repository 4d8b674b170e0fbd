/** `npm run test:long`: what takes too long for every run. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'long',
    reporters: ['default'],
    include: ['test/long/**/*.test.ts'],
    testTimeout: 3_600_000,
    hookTimeout: 600_000,
    maxWorkers: 1,
  },
});
