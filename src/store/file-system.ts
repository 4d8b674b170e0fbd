/** The object store on a local file system; serves every process of one machine. */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Content, LargeContent } from '../content.js';
import { identifyFolder, type FolderCheck } from './folder-identity.js';
import { decodeKey, encodeKey, type ObjectInfo, type ObjectStore } from './object-store.js';
import { storeError } from './store-error.js';
import { syncFolder, writeSynced } from './synced-files.js';

/** Where unfinished writes lie; no encoded key starts with a dot. */
const TEMPORARY = '.tmp';
/** An unfinished write that is older than this belongs to a process that died. */
const ABANDONED_MS = 60 * 60 * 1000;

/**
 * Opens the store below `root`, creating the folder (0700) when it is absent.
 * An object is written to a temporary file, synced, and linked (create) or renamed (put) into its place;
 * then its folder is synced: after a crash there is the old object, the new one, or none, never a part.
 */
export async function openFileSystemStore(root: string): Promise<ObjectStore> {
  const base = resolve(root);
  const temporary = join(base, TEMPORARY);
  const pathOf = (key: string): string => join(base, encodeKey(key));

  let checkFolder: FolderCheck = async () => undefined;
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      await checkFolder();
      return await work();
    } catch (error) {
      throw storeError(error, `the store at ${base}`);
    }
  };

  /** Writes a synced temporary file and lets `place` give it its name. */
  const write = async (
    key: string,
    content: Content,
    place: (from: string, to: string) => Promise<void>,
  ): Promise<void> => {
    const target = pathOf(key);
    const draft = join(temporary, `${process.pid}-${randomBytes(8).toString('hex')}`);
    try {
      await Promise.all([writeSynced(draft, content), makeFolder(dirname(target))]);
      await place(draft, target);
    } finally {
      await unlink(draft).catch(ignore('ENOENT'));
    }
    await syncFolder(dirname(target));
  };

  const contentAt = (path: string, size: number): LargeContent => ({
    size,
    async *[Symbol.asyncIterator]() {
      try {
        yield* createReadStream(path) as AsyncIterable<Buffer>;
      } catch (error) {
        throw storeError(error, `the store at ${base}`);
      }
    },
  });

  await guarded(async () => {
    await makeFolder(temporary);
    await sweepAbandoned(temporary);
    checkFolder = await identifyFolder(base);
  });

  return {
    get: (key) => guarded(async () => readFile(pathOf(key)).catch(ignore('ENOENT'))),
    open: (key) =>
      guarded(async () => {
        const path = pathOf(key);
        const found = await stat(path).catch(ignore('ENOENT'));
        return found && contentAt(path, found.size);
      }),
    create: (key, content) =>
      guarded(async () => {
        try {
          await write(key, content, link);
          return true;
        } catch (error) {
          if (errno(error) !== 'EEXIST') throw error;
          // The other writer may have died before its sync: what we report as existing must be durable.
          await syncFolder(dirname(pathOf(key)));
          return false;
        }
      }),
    put: (key, content) => guarded(() => write(key, content, rename)),
    delete: (key) => guarded(async () => unlink(pathOf(key)).catch(ignore('ENOENT'))),
    async *list(prefix) {
      await guarded(async () => undefined);
      yield* listFolder(base, prefix);
    },
    close: () => undefined,
  };
}

async function* listFolder(base: string, prefix: string): AsyncIterable<ObjectInfo> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  try {
    yield* walk(base, folder === '' ? '' : `${encodeKey(folder.slice(0, -1))}/`, prefix);
  } catch (error) {
    throw storeError(error, `the store at ${base}`);
  }
}

/** Folders that are read before it is their turn: a folder a stack adds up. */
const AHEAD = 16;

async function* walk(
  base: string,
  folder: string,
  prefix: string,
  reading = readFolder(base, folder, prefix),
): AsyncIterable<ObjectInfo> {
  const entries = await reading;
  const folders = entries.flatMap((entry) => ('folder' in entry ? [entry.folder] : []));
  const ahead: ReturnType<typeof readFolder>[] = [];
  const readAhead = (): void => {
    const next = folders.shift();
    if (next === undefined) return;
    const read = readFolder(base, next, prefix);
    // Thrown where it is waited for.
    read.catch(() => undefined);
    ahead.push(read);
  };
  for (let count = 0; count < AHEAD; count += 1) readAhead();
  for (const entry of entries) {
    if ('folder' in entry) {
      yield* walk(base, entry.folder, prefix, ahead.shift());
      readAhead();
    } else yield entry;
  }
}

/** What a folder holds of a prefix, in the byte order of whole keys: a folder sorts by its name with the slash, as on S3. */
async function readFolder(
  base: string,
  folder: string,
  prefix: string,
): Promise<(ObjectInfo | { readonly folder: string })[]> {
  const entries = await readdir(join(base, folder), { withFileTypes: true }).catch(
    ignore('ENOENT'),
  );
  const names = (entries ?? [])
    .filter((entry) => !entry.name.startsWith('.'))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort((a, b) => (a < b ? -1 : 1));
  const found = await Promise.all(
    names.map(async (name) => {
      const stored = folder + name;
      const key = decodeKey(stored);
      if (name.endsWith('/'))
        return key.startsWith(prefix) || prefix.startsWith(key) ? { folder: stored } : undefined;
      if (!key.startsWith(prefix)) return undefined;
      const info = await stat(join(base, stored)).catch(ignore('ENOENT'));
      return info && { key, size: info.size, modified: info.mtime };
    }),
  );
  return found.filter((entry) => entry !== undefined);
}

/** Makes a folder with its parents; each new name is synced, else a crash could lose it with what is in it. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let folder = path; ; folder = dirname(folder)) {
    await syncFolder(dirname(folder));
    if (folder === first || folder === dirname(folder)) return;
  }
}

async function sweepAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(ignore('ENOENT'));
    if (found && Date.now() - found.mtimeMs > ABANDONED_MS)
      await unlink(path).catch(ignore('ENOENT'));
  }
}

function errno(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}

function ignore(code: string): (error: unknown) => undefined {
  return (error) => {
    if (errno(error) === code) return undefined;
    throw error;
  };
}
