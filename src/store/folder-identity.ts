/** Tells whether a folder is still the one that was opened: an unmounted disk leaves an empty one of the same name. */
import { randomUUID } from 'node:crypto';
import { link, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../errors.js';
import { syncFolder, writeSynced } from './synced-files.js';

/** Content that a folder keeps when its disk is mounted again under another device number. */
const MARK = '.identity';

/** Throws `StoreUnavailable` while the folder is away or another one. */
export type FolderCheck = () => Promise<void>;

/** Marks the folder on first use, and gives the check that it is still this one. */
export async function identifyFolder(folder: string): Promise<FolderCheck> {
  const mark = await readMark(folder, true);
  let known = await placeOf(folder);
  return async () => {
    const place = await placeOf(folder);
    if (place === known) return;
    if (place === undefined || (await readMark(folder, false)) !== mark) {
      throw new CodedError(
        'StoreUnavailable',
        `the store at ${folder} is away: its folder is ${place === undefined ? 'gone' : 'another one now'}; mount it again`,
      );
    }
    known = place;
  };
}

async function placeOf(folder: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(folder);
    return `${dev}:${ino}`;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function readMark(folder: string, make: boolean): Promise<string | undefined> {
  const path = join(folder, MARK);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (!make) return undefined;
  }
  // Linked into place whole: two processes may open a new store at once.
  const draft = `${path}-${randomUUID()}`;
  try {
    await writeSynced(draft, Buffer.from(randomUUID()));
    await link(draft, path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  await syncFolder(folder);
  return readFile(path, 'utf8');
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ENOENT';
}
