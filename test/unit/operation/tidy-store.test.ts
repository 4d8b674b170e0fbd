import type { Client } from '@temporalio/client';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config.js';
import { tidyStore } from '../../../src/operation/tidy-store.js';
import { openTestStore } from '../store/open-test-store.js';

const HOUR = 3_600_000;
/** No stack is in the store: the server is not asked. */
const client = {} as Client;

test('of many workers one looks through the store, once in six hours', async () => {
  const store = await openTestStore();
  const dependencies = { store, config: loadConfig({ HOME: '/home/x' }), client };
  const tidy = (now: number) => tidyStore(dependencies, new AbortController().signal, now);
  const start = 100 * 6 * HOUR;
  const reports = await Promise.all(Array.from({ length: 5 }, () => tidy(start)));
  expect(reports.filter((report) => report !== undefined)).toHaveLength(1);
  expect(await tidy(start + 5 * HOUR)).toBeUndefined();
  expect(await tidy(start + 6 * HOUR)).toMatchObject({ removed: [], damaged: [] });
  const claims = [];
  for await (const { key } of store.objects.list('sweeps/')) claims.push(key);
  expect(claims).toHaveLength(1);
});
