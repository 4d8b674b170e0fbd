/** Folders of this machine that modules are unpacked into for a build, and those that a dead worker left. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'cldctl-module-';
/** Milliseconds after which every try of a build is over. */
const NEEDED = 2 * 60 * 60 * 1000;

/** Makes a folder, gives it to `use`, and removes it. */
export async function withModuleFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), PREFIX));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes folders that no build can need any more; how many there were. What can't be removed stays. */
export async function tidyModuleFolders(now = Date.now()): Promise<number> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX));
  const removed = await Promise.all(
    names.map(async (name) => {
      const folder = join(tmpdir(), name);
      try {
        if ((await stat(folder)).mtimeMs > now - NEEDED) return 0;
        await rm(folder, { recursive: true });
        return 1;
      } catch {
        return 0;
      }
    }),
  );
  return removed.reduce<number>((sum, one) => sum + one, 0);
}
