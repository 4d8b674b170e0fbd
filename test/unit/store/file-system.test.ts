import {
  chmod,
  cp,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openFileSystemStore } from '../../../src/store/file-system.js';
import { objectStoreCases } from './object-store-cases.js';
import { temporaryFolder } from './open-test-store.js';

describe('object store on a file system', () => {
  objectStoreCases(async () => {
    const folder = await temporaryFolder();
    return { store: await openFileSystemStore(folder), second: await openFileSystemStore(folder) };
  });

  test('nobody else may read what it writes, and no unfinished file stays', async () => {
    const folder = await temporaryFolder();
    const store = await openFileSystemStore(join(folder, 'new', 'store'));
    await store.put('a/b', Buffer.from('x'));
    await store.create('a/b', Buffer.from('y'));
    expect((await stat(join(folder, 'new/store/a/b'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'new/store/a'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(folder, 'new/store/.tmp'))).toEqual([]);
  });

  test('what a dead process left unfinished is swept an hour later, what is fresh is not', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, '.tmp'));
    await Promise.all(['old', 'fresh'].map((name) => writeFile(join(folder, '.tmp', name), 'x')));
    const past = new Date(Date.now() - 2 * 60 * 60 * 1000);
    await utimes(join(folder, '.tmp/old'), past, past);
    await openFileSystemStore(folder);
    expect(await readdir(join(folder, '.tmp'))).toEqual(['fresh']);
  });

  test('a name out of the folder stays inside it', async () => {
    const folder = await temporaryFolder();
    const store = await openFileSystemStore(join(folder, 'store'));
    await store.put('../../escaped', Buffer.from('x'));
    expect(await readdir(folder)).toEqual(['store']);
    expect(await readFile(join(folder, 'store/%2e./%2e./escaped'), 'utf8')).toBe('x');
  });

  test('a file where a folder belongs is named', async () => {
    const folder = await temporaryFolder();
    const store = await openFileSystemStore(folder);
    await writeFile(join(folder, 'a'), '');
    await expect(store.put('a/b', Buffer.from('x'))).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: expect.stringContaining(folder),
    });
    await rm(join(folder, '.tmp'), { recursive: true });
    await expect(store.put('c', Buffer.from('x'))).rejects.toMatchObject({
      code: 'StoreUnavailable',
    });
    await chmod(folder, 0o700);
  });

  test.each(['gone', 'another one now'])(
    'a folder that is %s is a store that is away, not an empty one; it works again when it is back',
    async (how) => {
      const folder = await temporaryFolder();
      const [place, aside] = [join(folder, 'store'), join(folder, 'aside')];
      const store = await openFileSystemStore(place);
      await store.put('a/b', Buffer.from('x'));
      // What an unmounted disk looks like.
      await rename(place, aside);
      if (how !== 'gone') await mkdir(join(place, '.tmp'), { recursive: true });
      const listed = async (): Promise<void> => {
        for await (const _ of store.list('a/')) return;
      };
      for (const work of [
        () => store.get('a/b'),
        () => store.create('a/c', Buffer.from('y')),
        () => store.put('a/b', Buffer.from('y')),
        () => store.delete('a/b'),
        listed,
      ]) {
        await expect(work()).rejects.toMatchObject({
          code: 'StoreUnavailable',
          message: expect.stringContaining(`its folder is ${how}; mount it again`),
        });
      }
      await rm(place, { recursive: true, force: true });
      // A disk that is mounted again may get another number.
      await cp(aside, place, { recursive: true });
      expect(Buffer.from((await store.get('a/b')) ?? []).toString()).toBe('x');
    },
  );
});
