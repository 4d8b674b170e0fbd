import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/setup/package-root.js';

/** A small provider stands for everything that is built: seconds, not minutes. */
const part = 'provider-time';

describe('a set-up that is interrupted', () => {
  let cache: string;
  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), 'cache-'));
  });
  afterEach(() => rm(cache, { recursive: true }));

  const setUp = (): ChildProcess =>
    spawn(process.execPath, [join(packageRoot(), 'dist/src/setup/main.js'), part], {
      env: { ...process.env, CLDCTL_ROUTE: 'source', CLDCTL_CACHE_DIR: cache },
      stdio: 'ignore',
    });
  const drafts = (): string[] =>
    existsSync(join(cache, 'drafts')) ? readdirSync(join(cache, 'drafts')) : [];
  const ended = async (child: ChildProcess): Promise<unknown> =>
    (await once(child, 'exit'))[0] as unknown;

  it('by Ctrl-C ends its children and leaves nothing half made; the next one finishes', async () => {
    const first = setUp();
    await expect.poll(drafts, { timeout: 30_000 }).toHaveLength(1);
    first.kill('SIGINT');
    expect(await ended(first)).toBe(130);
    expect(drafts()).toEqual([]);
    expect(processesThatName(cache)).toEqual([]);
    expect(await ended(setUp())).toBe(0);
    expect(readdirSync(cache).some((name) => name.startsWith(`${part}-`))).toBe(true);
  });

  it('by kill -9 doesn’t stand in the way of the next one', async () => {
    const first = setUp();
    await expect.poll(drafts, { timeout: 30_000 }).toHaveLength(1);
    first.kill('SIGKILL');
    await ended(first);
    expect(await ended(setUp())).toBe(0);
    expect(drafts()).toEqual([]);
  });

  it('two at the same time give both the result of one', async () => {
    expect(await Promise.all([ended(setUp()), ended(setUp())])).toEqual([0, 0]);
    expect(drafts()).toEqual([]);
  });
});

function processesThatName(path: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return command.includes(path) ? [command] : [];
    } catch {
      return [];
    }
  });
}
