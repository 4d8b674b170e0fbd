import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock, type LockOptions } from './lock.js';

/** What names a cache entry: two entries are the same thing exactly when all three are equal. */
export interface CacheKey {
  name: string;
  version: string;
  /** Whatever else decides the content: flags, sources, route. Only its digest is kept. */
  recipe: string;
}

/** Path of an entry's directory, whether it exists or not. */
export function cacheEntryPath(cacheDirectory: string, key: CacheKey): string {
  const digest = createHash('sha256').update(key.recipe).digest('hex').slice(0, 12);
  return join(cacheDirectory, `${key.name}-${key.version}-${digest}`);
}

/** An entry that nobody has used for a while; what needs it after all makes it again. */
export interface UnusedEntry {
  readonly path: string;
  readonly lastUsed: Date;
  /** Of its files; what can't be read counts nothing. */
  readonly bytes: number;
}

/** Milliseconds after which an entry that was not used counts as left over: 30 days. */
const UNUSED = 30 * 24 * 3_600_000;

/** Entries of the cache that were not used for 30 days; an entry's time is that of its last use. */
export async function* unusedEntries(
  cacheDirectory: string,
  now = Date.now(),
): AsyncGenerator<UnusedEntry> {
  const names = await readdir(cacheDirectory).catch(() => []);
  for (const name of names.filter((each) => ENTRY.test(each)).sort()) {
    const path = join(cacheDirectory, name);
    const { mtime } = await stat(path);
    if (now - mtime.getTime() > UNUSED) yield { path, lastUsed: mtime, bytes: await bytesOf(path) };
  }
}

async function bytesOf(path: string): Promise<number> {
  const info = await lstat(path).catch(() => undefined);
  if (!info?.isDirectory()) return info?.size ?? 0;
  const names = await readdir(path).catch(() => []);
  const sizes = await Promise.all(names.map((name) => bytesOf(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Other directories of the cache are no entries. */
const ENTRY = /-[0-9a-f]{12}$/;

/**
 * The directory of a cache entry, filled by `fill` when it isn't there yet. The entry appears under its name only when it is complete,
 * and one process at a time fills it; another one that wants the same entry waits and gets the result.
 */
export async function cached(
  cacheDirectory: string,
  key: CacheKey,
  options: LockOptions,
  fill: (directory: string) => Promise<void>,
): Promise<{ path: string; cached: boolean }> {
  const path = cacheEntryPath(cacheDirectory, key);
  if (existsSync(path)) {
    const now = new Date();
    // Of somebody else's cache that can only be read, nobody asks for the time.
    await utimes(path, now, now).catch(() => undefined);
    return { path, cached: true };
  }
  return withLock(
    join(cacheDirectory, 'locks', `${key.name}-${key.version}.lock`),
    options,
    async () => {
      if (existsSync(path)) return { path, cached: true };
      const drafts = join(cacheDirectory, 'drafts');
      const prefix = `${key.name}-${key.version}.`;
      await mkdir(drafts, { recursive: true });
      for (const left of await readdir(drafts)) {
        if (left.startsWith(prefix)) await rm(join(drafts, left), { recursive: true, force: true });
      }
      const draft = join(drafts, prefix + randomUUID());
      await mkdir(draft);
      try {
        await fill(draft);
        await rename(draft, path);
      } finally {
        await rm(draft, { recursive: true, force: true });
      }
      return { path, cached: false };
    },
  );
}
