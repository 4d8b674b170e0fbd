/** Where state is when a module is run without Temporal: a file, a backend URL, or an object in the store. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { hostname } from 'node:os';
import type { Content } from '../content.js';
import { CodedError } from '../errors.js';
import { isAlive, processIdentity } from '../setup/process-identity.js';
import type { Store } from '../store/open-store.js';

/** The state of one run: read before, written after, nobody else in between. */
export interface StandaloneState {
  /** The state as it is; undefined when there is none, or it is behind a URL. */
  readonly bytes: Uint8Array | undefined;
  readonly url?: string;
  /** Keeps a new state; the old one is replaced only when the new one is written. */
  save(content: Content): Promise<void>;
  release(): Promise<void>;
}

/** A state URL of a backend. */
export function isStateUrl(state: string): boolean {
  return /^(postgres|postgresql|s3|gs|azblob|https?):\/\//.test(state);
}

/** Opens a state; without `place` it is `standalone/{stack}` in the store. Throws `StateLocked` while another run has it. */
export async function openStandaloneState(
  place: string | undefined,
  stack: string,
  store: () => Promise<Store>,
): Promise<StandaloneState> {
  if (place !== undefined && isStateUrl(place))
    return { bytes: undefined, url: place, save: async () => {}, release: async () => {} };
  if (place !== undefined) return fileState(resolve(place.replace(/^file:\/\//, '')));
  const opened = await store();
  const release = await lock(opened, stack);
  try {
    const key = `standalone/${stack}`;
    return {
      bytes: await opened.objects.get(key),
      save: (content) => opened.objects.put(key, content),
      release,
    };
  } catch (error) {
    await release();
    throw error;
  }
}

async function fileState(file: string): Promise<StandaloneState> {
  const holder = `${file}.lock`;
  const self = JSON.stringify({ ...processIdentity(process.pid), host: hostname() });
  const take = (): Promise<void> => writeFile(holder, self, { flag: 'wx', mode: 0o600 });
  try {
    await take();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cantBeUsed(file, error);
    await refuseLiving(await readFile(holder, 'utf8').catch(() => ''), file);
    await writeFile(holder, self, { mode: 0o600 });
  }
  const bytes = await readFile(file).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cantBeUsed(file, error);
  });
  return {
    bytes,
    save: async (next) => {
      await writeFile(`${file}.new`, next, { mode: 0o600 });
      await rename(`${file}.new`, file);
    },
    release: () => rm(holder, { force: true }),
  };
}

async function lock(store: Store, stack: string): Promise<() => Promise<void>> {
  const key = `standalone-locks/${stack}`;
  const self = Buffer.from(JSON.stringify({ ...processIdentity(process.pid), host: hostname() }));
  if (!(await store.objects.create(key, self))) {
    const holder = await store.objects.get(key);
    await refuseLiving(holder === undefined ? '' : Buffer.from(holder).toString('utf8'), stack);
    await store.objects.put(key, self);
  }
  return () => store.objects.delete(key);
}

/** Returns when the holder is a process of this machine that is gone. */
async function refuseLiving(text: string, what: string): Promise<void> {
  const holder = parseHolder(text);
  if (holder?.host === hostname() && !isAlive(holder)) return;
  const who = holder === undefined ? 'another run' : `process ${holder.pid} on ${holder.host}`;
  throw new CodedError('StateLocked', `the state of ${what} is in use by ${who}; wait for it`);
}

function parseHolder(text: string): { pid: number; startedAt: string; host: string } | undefined {
  try {
    return JSON.parse(text) as { pid: number; startedAt: string; host: string };
  } catch {
    return undefined;
  }
}

function cantBeUsed(file: string, error: unknown): CodedError {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return new CodedError('InvalidInput', `state ${file} can't be used (${code})`, { cause: error });
}
