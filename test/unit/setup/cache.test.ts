import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cached, cacheEntryPath, unusedEntries } from '../../../src/setup/cache.js';

describe('the cache of tools', () => {
  let directory: string;
  const key = { name: 'tool', version: '1.0.0', recipe: 'flags' };
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cache-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const fill = async (draft: string): Promise<void> => writeFile(join(draft, 'file'), 'made');

  it('makes an entry once for all who ask at the same time', async () => {
    let made = 0;
    const ask = () =>
      cached(directory, key, {}, async (draft) => {
        made += 1;
        await fill(draft);
      });
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(made).toBe(1);
    expect(answers.filter((answer) => !answer.cached)).toHaveLength(1);
    expect(await readFile(join(answers[0]!.path, 'file'), 'utf8')).toBe('made');
  });

  it('keeps entries of another version or recipe apart', () => {
    const paths = [key, { ...key, version: '1.0.1' }, { ...key, recipe: 'other flags' }].map(
      (one) => cacheEntryPath(directory, one),
    );
    expect(new Set(paths).size).toBe(3);
  });

  it('shows nothing of an attempt that failed, and succeeds the next time', async () => {
    const failing = cached(directory, key, {}, async (draft) => {
      await fill(draft);
      throw new Error('no network');
    });
    await expect(failing).rejects.toThrow('no network');
    expect(existsSync(cacheEntryPath(directory, key))).toBe(false);
    expect((await cached(directory, key, {}, fill)).cached).toBe(false);
    expect((await cached(directory, key, {}, fill)).cached).toBe(true);
  });

  it('knows what was not used for 30 days; using it is what counts', async () => {
    const day = 24 * 3_600_000;
    const unused = async (): Promise<string[]> => {
      const paths = [];
      for await (const { path } of unusedEntries(directory)) paths.push(path);
      return paths;
    };
    const other = { ...key, version: '0.9.0' };
    const old = [await cached(directory, key, {}, fill), await cached(directory, other, {}, fill)];
    await mkdir(join(directory, 'demo-registry'));
    const last = new Date(Date.now() - 31 * day);
    for (const path of [...old.map((entry) => entry.path), join(directory, 'demo-registry')])
      await utimes(path, last, last);
    expect(await unused()).toHaveLength(2);
    await cached(directory, key, {}, fill);
    expect(await unused()).toEqual([cacheEntryPath(directory, other)]);
  });

  it('goes on after an attempt that was killed in the middle', async () => {
    await mkdir(join(directory, 'drafts', 'tool-1.0.0.half'), { recursive: true });
    await mkdir(join(directory, 'locks'), { recursive: true });
    const dead = JSON.stringify({ pid: 2 ** 22 + 1, startedAt: '1', token: 'dead' });
    await writeFile(join(directory, 'locks', 'tool-1.0.0.lock'), dead);
    const { path } = await cached(directory, key, {}, fill);
    expect(existsSync(join(path, 'file'))).toBe(true);
    expect(existsSync(join(directory, 'drafts', 'tool-1.0.0.half'))).toBe(false);
  });
});
