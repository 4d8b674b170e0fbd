/** What every object store must do; run over each of them. */
import { expect, test } from 'vitest';
import type { ObjectStore } from '../../../src/store/object-store.js';

/** A store to test: an empty one, and a second view of the same objects as another process would have it. */
export interface StoreUnderTest {
  readonly store: ObjectStore;
  readonly second: ObjectStore;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (found: Uint8Array | undefined): string | undefined =>
  found && Buffer.from(found).toString();

/** Registers the cases; `open` gives an empty store for each. */
export function objectStoreCases(open: () => Promise<StoreUnderTest>): void {
  test('an object that was never written is undefined', async () => {
    const { store } = await open();
    expect(await store.get('a/b')).toBeUndefined();
    expect(await store.get('a/b/c')).toBeUndefined();
  });

  test('what was written is read back byte for byte, also by another process', async () => {
    const { store, second } = await open();
    const all = Uint8Array.from({ length: 256 * 40 }, (_, index) => index % 256);
    await store.put('bytes/all', all);
    await store.create('bytes/none', new Uint8Array());
    expect(Buffer.compare((await second.get('bytes/all'))!, all)).toBe(0);
    expect(await second.get('bytes/none')).toHaveLength(0);
  });

  test('create writes once and leaves what is there', async () => {
    const { store, second } = await open();
    expect(await store.create('mark', bytes('first'))).toBe(true);
    expect(await second.create('mark', bytes('second'))).toBe(false);
    expect(text(await store.get('mark'))).toBe('first');
  });

  test('of many that create the same object at once exactly one does, and its bytes stand', async () => {
    const { store, second } = await open();
    for (let round = 0; round < 10; round += 1) {
      const won = await Promise.all(
        Array.from({ length: 24 }, (_, writer) =>
          (writer % 2 ? store : second).create(`race/${round}`, bytes(String(writer))),
        ),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(text(await store.get(`race/${round}`))).toBe(String(won.indexOf(true)));
    }
  });

  test('put replaces, and delete removes once or twice', async () => {
    const { store } = await open();
    await store.put('x', bytes('old'));
    await store.put('x', bytes('new'));
    expect(text(await store.get('x'))).toBe('new');
    await store.delete('x');
    await store.delete('x');
    expect(await store.get('x')).toBeUndefined();
    expect(await store.create('x', bytes('again'))).toBe(true);
  });

  test('a listing has exactly the objects below its prefix, in order, with their sizes', async () => {
    const { store } = await open();
    const keys = ['p/a', 'p/a-b', 'p/a.b', 'p/ab/1', 'p/ab/2', 'p/b', 'pp/a', 'q'];
    await Promise.all(keys.map((key) => store.put(key, bytes(key))));
    const listed = async (prefix: string): Promise<string[]> => {
      const found: string[] = [];
      for await (const info of store.list(prefix)) {
        expect(info.size).toBe(info.key.length);
        expect(Math.abs(Date.now() - info.modified.getTime())).toBeLessThan(60_000);
        found.push(info.key);
      }
      return found;
    };
    expect(await listed('p/')).toEqual(['p/a', 'p/a-b', 'p/a.b', 'p/ab/1', 'p/ab/2', 'p/b']);
    expect(await listed('p/a')).toEqual(['p/a', 'p/a-b', 'p/a.b', 'p/ab/1', 'p/ab/2']);
    expect(await listed('')).toHaveLength(keys.length);
    expect(await listed('p/ab/')).toEqual(['p/ab/1', 'p/ab/2']);
    expect(await listed('nothing/')).toEqual([]);
  });

  test('more objects than fit on one page are all listed', async () => {
    const { store } = await open();
    const keys = Array.from(
      { length: 1050 },
      (_, index) => `many/${String(index).padStart(4, '0')}`,
    );
    for (let at = 0; at < keys.length; at += 50) {
      await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, bytes('1'))));
    }
    const found: string[] = [];
    for await (const { key } of store.list('many/')) found.push(key);
    expect(found).toEqual(keys);
  });

  test.each([
    '..',
    '.',
    '.hidden',
    'UPPER',
    'upper',
    'a b',
    'ü\u0301€😀',
    '%41',
    'c:\\x',
    'nul\0',
    '~',
    '+',
    '"',
  ])('the name %j is only a name', async (name) => {
    const { store } = await open();
    await store.put(`names/${name}`, bytes(name));
    expect(text(await store.get(`names/${name}`))).toBe(name);
    const found: string[] = [];
    for await (const { key } of store.list('names/')) found.push(key);
    expect(found).toEqual([`names/${name}`]);
  });

  test.each(['', 'a//b', '/a', 'a/', 'x'.repeat(201), 'ü'.repeat(40)])(
    'the key %j is refused with the limit',
    async (key) => {
      const { store } = await open();
      await expect(store.put(key, bytes('x'))).rejects.toMatchObject({
        code: 'InvalidInput',
        message: expect.stringContaining('1 to 200 bytes'),
      });
    },
  );
}
