import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireLock, withLock } from '../../../src/setup/lock.js';
import { processIdentity } from '../../../src/setup/process-identity.js';

describe('a set-up lock', () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lock-'));
    path = join(directory, 'a.lock');
  });
  afterEach(() => rm(directory, { recursive: true }));

  const endedProcess = (): number => spawnSync('true').pid;

  it('is held by one at a time, and says whom it waits for', async () => {
    const release = await acquireLock(path);
    const waitsFor: number[] = [];
    const second = acquireLock(path, { onWait: ({ pid }) => waitsFor.push(pid) });
    await expect.poll(() => waitsFor).toEqual([process.pid]);
    await release();
    await (
      await second
    )();
    expect(await readdir(directory)).toEqual([]);
  });

  it('is taken over when its process is gone', async () => {
    await writeFile(path, JSON.stringify({ pid: endedProcess(), startedAt: '1', token: 'old' }));
    const release = await acquireLock(path);
    await release();
    expect(await readdir(directory)).toEqual([]);
  });

  it('is taken over when another process has the dead one’s id', async () => {
    const stale = { pid: process.pid, startedAt: 'before the last boot', token: 'old' };
    await writeFile(path, JSON.stringify(stale));
    await (
      await acquireLock(path)
    )();
  });

  it('is not taken over while its process runs', async () => {
    await writeFile(path, JSON.stringify({ ...processIdentity(process.ppid), token: 'theirs' }));
    const abort = new AbortController();
    const attempt = acquireLock(path, { signal: abort.signal, onWait: () => abort.abort() });
    await expect(attempt).rejects.toThrow();
    expect(await readdir(directory)).toEqual(['a.lock']);
  });

  it('lets one in at a time when many find it stale at once', async () => {
    await writeFile(path, JSON.stringify({ pid: endedProcess(), startedAt: '1', token: 'old' }));
    let inside = 0;
    let most = 0;
    const enter = (): Promise<void> =>
      withLock(path, {}, async () => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
      });
    await Promise.all(Array.from({ length: 12 }, enter));
    expect(most).toBe(1);
    expect(await readdir(directory)).toEqual([]);
  });
});
