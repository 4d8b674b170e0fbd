import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, processIdentity, type ProcessIdentity } from './process-identity.js';

interface Holder extends ProcessIdentity {
  token: string;
}

/** What to do while a lock is taken. */
export interface LockOptions {
  signal?: AbortSignal;
  /** Called once, with the process that holds the lock, when there is something to wait for. */
  onWait?: (holder: ProcessIdentity) => void;
}

const pollMilliseconds = 200;

/**
 * Takes the lock file at `path` and returns the function that gives it back. A lock whose process is gone is taken over; the take-over is
 * itself locked (by the dead holder's token), so two processes never both believe they did it.
 */
export async function acquireLock(
  path: string,
  options: LockOptions = {},
): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  const self = processIdentity(process.pid);
  if (self === undefined) throw new Error("the start time of this process can't be read");
  const mine: Holder = { ...self, token: randomUUID() };
  let waiting = false;
  for (;;) {
    options.signal?.throwIfAborted();
    if (await tryCreate(path, mine)) return () => unlinkIfPresent(path);
    const holder = await readHolder(path);
    if (holder === undefined) continue;
    if (!isAlive(holder)) {
      await removeStale(path, holder, options);
      continue;
    }
    if (!waiting) options.onWait?.(holder);
    waiting = true;
    await delay(pollMilliseconds, undefined, options.signal ? { signal: options.signal } : {});
  }
}

/** Runs `work` while holding the lock file at `path`. */
export async function withLock<T>(
  path: string,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const release = await acquireLock(path, options);
  try {
    return await work();
  } finally {
    await release();
  }
}

async function tryCreate(path: string, holder: Holder): Promise<boolean> {
  // Written aside and linked, so that nobody ever reads a lock without its holder.
  const draft = `${path}.${holder.token}.draft`;
  await writeFile(draft, JSON.stringify(holder), { flag: 'wx' });
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function removeStale(path: string, stale: Holder, options: LockOptions): Promise<void> {
  await withLock(`${path}.${stale.token}`, options, async () => {
    if ((await readHolder(path))?.token === stale.token) await unlinkIfPresent(path);
  });
}

async function unlinkIfPresent(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
