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
