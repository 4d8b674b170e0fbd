import { expect, test } from 'vitest';
import { isSigned, parsePath, signLink } from '../../../src/http/signed-link.js';
import { openTestStore } from '../store/open-test-store.js';

const linked = { stackId: 'shop', planDigest: `sha256:${'a'.repeat(64)}` };
const now = Date.parse('2026-01-01T00:00:00Z');
const day = 86_400_000;

test('a link holds for seven days, in its own store, for its own plan', async () => {
  const store = await openTestStore();
  const url = new URL(await signLink(store, 'https://iac.example.com/base', linked, now));
  expect(url.href).toMatch(/^https:\/\/iac\.example\.com\/base\/stacks\/shop\/plans\/a{64}\?/);
  const query = url.searchParams;
  expect(await isSigned(store, linked, query, now)).toBe(true);
  expect(await isSigned(store, linked, query, now + 7 * day - 1)).toBe(true);
  expect(await isSigned(store, linked, query, now + 7 * day + 1)).toBe(false);
  expect(await isSigned(store, { ...linked, stackId: 'other' }, query, now)).toBe(false);
  expect(await isSigned(await openTestStore(), linked, query, now)).toBe(false);
});

test.each([
  '/stacks/shop/plans/abc',
  '/stacks/SHOP/plans/' + 'a'.repeat(64),
  '/plans/x',
  '/stacks/a/plans/' + 'a'.repeat(64) + '/',
])('a path that names nothing: %s', (path) => expect(parsePath(path)).toBeUndefined());

test('a path that names a plan', () => {
  expect(parsePath(`/stacks/shop/plans/${'a'.repeat(64)}`)).toEqual(linked);
});

test('a link to a log holds for thirty days, and opens no plan', async () => {
  const store = await openTestStore();
  const log = { stackId: 'shop', runId: '0190a0de-1c2b-7d3e-8f40-5a6b7c8d9e0f' };
  const { pathname, searchParams: query } = new URL(
    await signLink(store, 'https://iac.example.com', log, now),
  );
  expect(parsePath(pathname)).toEqual(log);
  expect(await isSigned(store, log, query, now + 30 * day - 1)).toBe(true);
  expect(await isSigned(store, log, query, now + 30 * day + 1)).toBe(false);
  expect(await isSigned(store, linked, query, now)).toBe(false);
});
