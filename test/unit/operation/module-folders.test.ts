import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { tidyModuleFolders, withModuleFolder } from '../../../src/operation/module-folders.js';

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'folders-'));
  vi.stubEnv('TMPDIR', place);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(place, { recursive: true });
});

test('a folder is there while it is used, and no longer', async () => {
  let used = '';
  await expect(
    withModuleFolder((folder) => {
      used = folder;
      expect(existsSync(folder)).toBe(true);
      return Promise.reject(new Error('it broke'));
    }),
  ).rejects.toThrow('it broke');
  expect(existsSync(used)).toBe(false);
});

test('what a dead worker left goes when no build can need it, and nothing else', async () => {
  const old = new Date(Date.now() - 3 * 60 * 60 * 1000);
  const [dead, foreign] = [join(place, 'cldctl-module-dead'), join(place, 'other')];
  await withModuleFolder(async (alive) => {
    for (const folder of [dead, foreign]) {
      await mkdir(folder);
      await writeFile(join(folder, 'main.tf'), '');
      await utimes(folder, old, old);
    }
    expect(await tidyModuleFolders()).toBe(1);
    expect([dead, foreign, alive].map((folder) => existsSync(folder))).toEqual([false, true, true]);
  });
});
