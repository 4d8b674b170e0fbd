import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openObject, rewrapObject, sealObject } from '../../../src/store/envelope.js';
import { addKey, createKeyRing, formatKeyRing, parseKeyRing } from '../../../src/store/key-ring.js';
import {
  backupKeys,
  dropOldKeys,
  openBackup,
  resealObjects,
  rotateKeys,
} from '../../../src/store/keys.js';
import { openStore, type Store } from '../../../src/store/open-store.js';
import { openTestStore, temporaryFolder } from './open-test-store.js';

const SECRET = 'a secret that must not be on disk';

describe('a sealed object', () => {
  const ring = createKeyRing();

  test('opens to its bytes under its own name only', () => {
    const sealed = sealObject('a', Buffer.from(SECRET), ring);
    expect(openObject('a', sealed, ring).toString()).toBe(SECRET);
    expect(sealed.includes(SECRET)).toBe(false);
    expect(() => openObject('b', sealed, ring)).toThrow(/stored object b is damaged/);
  });

  test('with any one bit flipped is refused as damaged, by name', () => {
    const sealed = sealObject('records/s/1', Buffer.from('{"a":1}'), ring);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const altered = Buffer.from(sealed);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => openObject('records/s/1', altered, ring)).toThrow(
        expect.objectContaining({
          code: 'StateDamaged',
          message: expect.stringContaining('records/s/1'),
        }),
      );
    }
  });

  test('cut at any length is refused as damaged', () => {
    const sealed = sealObject('x', Buffer.from('abc'), ring);
    for (let length = 0; length < sealed.length; length += 1) {
      expect(() => openObject('x', sealed.subarray(0, length), ring)).toThrow(
        expect.objectContaining({ code: 'StateDamaged' }),
      );
    }
  });

  test('under a key that is not there names the key, not the content', () => {
    const sealed = sealObject('x', Buffer.from(SECRET), createKeyRing());
    expect(() => openObject('x', sealed, ring)).toThrow(
      expect.objectContaining({
        code: 'InvalidConfiguration',
        message: expect.stringMatching(/master key [0-9a-f]{16}/),
      }),
    );
  });

  test('rewrapped opens with the new key alone', () => {
    const both = addKey(ring);
    const moved = rewrapObject('x', sealObject('x', Buffer.from(SECRET), ring), both);
    const onlyNew = { ...both, keys: new Map([[both.current, both.keys.get(both.current)!]]) };
    expect(openObject('x', moved, onlyNew).toString()).toBe(SECRET);
    expect(() => openObject('x', moved, ring)).toThrow(/master key/);
  });
});

describe('a key ring', () => {
  test('survives its text form; a bare key in hex or base64 is a ring', () => {
    const ring = addKey(createKeyRing());
    expect(parseKeyRing(formatKeyRing(ring), 'f')).toEqual(ring);
    const key = Buffer.alloc(32, 7);
    for (const text of [key.toString('hex'), `${key.toString('base64')}\n`]) {
      expect([...parseKeyRing(text, 'f').keys.values()]).toEqual([key]);
    }
  });

  test.each([
    ['{', 'is not JSON'],
    ['{"version":2}', 'not a key ring of version 1'],
    ['c2hvcnQ=', '32 bytes'],
    ['', '32 bytes'],
    ['{"version":1,"current":"a","keys":{}}', 'lacks the key'],
    [
      `{"version":1,"current":"a","keys":{"a":"${Buffer.alloc(32).toString('base64')}"}}`,
      'altered',
    ],
  ])('%s is refused: %s', (text, why) => {
    expect(() => parseKeyRing(text, '/etc/key')).toThrow(
      expect.objectContaining({
        code: 'InvalidConfiguration',
        message: expect.stringMatching(new RegExp(`/etc/key.*${why}`)),
      }),
    );
  });

  test('a backup opens with its passphrase and with no other', async () => {
    const ring = createKeyRing();
    const backup = await backupKeys(ring, 'correct horse');
    expect(backup).not.toContain(ring.keys.get(ring.current)!.toString('base64'));
    expect(await openBackup(backup, 'correct horse')).toEqual(ring);
    await expect(openBackup(backup, 'wrong')).rejects.toMatchObject({
      code: 'InvalidConfiguration',
    });
    expect(parseKeyRing(await backupKeys(ring), 'f')).toEqual(ring);
  });
});

describe('an open store', () => {
  test('makes its key (0600) only when asked, and keeps its identity', async () => {
    const folder = await temporaryFolder();
    const config = { store: `file://${folder}/store`, masterKeyFile: join(folder, 'key') };
    await expect(openStore(config)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining(config.masterKeyFile),
    });
    const opened = await Promise.all(
      Array.from({ length: 5 }, () => openStore({ ...config, allowCreate: true })),
    );
    expect(new Set(opened.map(({ installation }) => installation)).size).toBe(1);
    expect(opened[0]?.installation).toMatch(/^[0-9a-f]{12}$/);
    expect((await stat(config.masterKeyFile)).mode & 0o777).toBe(0o600);
    expect((await openStore(config)).installation).toBe(opened[0]?.installation);
  });

  test('refuses to replace a lost key, and a key of another store', async () => {
    const store = await openTestStore();
    const file = store.masterKeyFile!;
    const key = await readFile(file);
    await rm(file);
    await expect(openStore({ store: store.url, allowCreate: true })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining('restore it from its backup'),
    });
    await writeFile(file, formatKeyRing(createKeyRing()));
    await expect(openStore({ store: store.url })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
    });
    await writeFile(file, key);
    expect((await openStore({ store: store.url })).installation).toBe(store.installation);
  });

  test.each(['/plain/path', 'http://x/y', 'file://host/x', 's3:///x', ''])(
    'refuses the URL %j',
    async (url) => {
      await expect(openStore({ store: url, allowCreate: true })).rejects.toMatchObject({
        code: 'InvalidConfiguration',
        message: expect.stringContaining('CLDCTL_STORE'),
      });
    },
  );

  test('has nothing readable on disk', async () => {
    const store = await openTestStore();
    await store.artefacts.put(Buffer.from(SECRET));
    await store.objects.put('x', Buffer.from(SECRET));
    for await (const { key } of store.raw.list('')) {
      expect(Buffer.from((await store.raw.get(key))!).includes(SECRET)).toBe(false);
    }
  });

  test('lists objects with the size of their content', async () => {
    const store = await openTestStore();
    await store.objects.put('a/x', Buffer.alloc(1234));
    for await (const { size } of store.objects.list('a/')) expect(size).toBe(1234);
  });

  test('artefacts are named by their content, and a damaged one heals when it is stored again', async () => {
    const store = await openTestStore();
    const digest = await store.artefacts.put(Buffer.from('x'));
    expect(digest).toBe('sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881');
    const key = `artefacts/2d/${digest.slice(7)}`;
    const sealed = Buffer.from((await store.raw.get(key))!);
    sealed[sealed.length - 1]! ^= 1;
    await store.raw.put(key, sealed);
    await expect(store.artefacts.get(digest)).rejects.toMatchObject({ code: 'StateDamaged' });
    await store.artefacts.put(Buffer.from('x'));
    expect(Buffer.from(await store.artefacts.get(digest)).toString()).toBe('x');
    await expect(store.artefacts.get(`sha256:${'0'.repeat(64)}`)).rejects.toMatchObject({
      code: 'InvalidInput',
    });
  });
});

describe('keys of a stack', () => {
  test('differ by stack and purpose, and are the same in every process', async () => {
    const store = await openTestStore();
    const [a, b] = await Promise.all([store.stackKey('a'), store.stackKey('b')]);
    const again = await (await openStore({ store: store.url })).stackKey('a');
    const all = [a.mask, a.inputs, a.seal('p 1'), a.seal('p 2'), b.mask].map((key) =>
      key.toString('hex'),
    );
    expect(new Set(all).size).toBe(5);
    expect(again.mask).toEqual(a.mask);
    expect(again.seal('p 1')).toEqual(a.seal('p 1'));
  });

  test('two processes that ask first at once get the same', async () => {
    const store = await openTestStore();
    const other = await openStore({ store: store.url });
    const both = await Promise.all([store.stackKey('a'), other.stackKey('a')]);
    expect(both[0].mask).toEqual(both[1].mask);
    const phrases = await Promise.all(both.map((keys) => keys.pulumiPassphrase()));
    expect(phrases[0]).toBe(phrases[1]);
    await both[0].setPulumiPassphrase('from elsewhere');
    expect(await both[1].pulumiPassphrase()).toBe('from elsewhere');
  });
});

describe('rotation', () => {
  const fill = async (store: Store): Promise<void> => {
    for (let index = 0; index < 20; index += 1) {
      await store.objects.put(`x/${index}`, Buffer.from(`value ${index}`));
    }
  };

  test('reseals everything, keeps stack keys, and lets the old key go', async () => {
    const store = await openTestStore();
    await fill(store);
    const passphrase = await (await store.stackKey('s')).pulumiPassphrase();
    const mask = (await store.stackKey('s')).mask;
    const old = store.keys.ring().current;
    const report = await rotateKeys(store);
    expect(report).toMatchObject({ resealed: 23, unchanged: 0, damaged: [] });
    expect(report.current).not.toBe(old);
    expect([...(await dropOldKeys(store)).keys.keys()]).toEqual([report.current]);
    const fresh = await openStore({ store: store.url });
    expect(Buffer.from((await fresh.objects.get('x/7'))!).toString()).toBe('value 7');
    expect((await fresh.stackKey('s')).mask).toEqual(mask);
    expect(await (await fresh.stackKey('s')).pulumiPassphrase()).toBe(passphrase);
  });

  test('a process that was running before reads what is written after', async () => {
    const before = await openTestStore();
    const rotating = await openStore({ store: before.url });
    await rotateKeys(rotating);
    await rotating.objects.put('new', Buffer.from('x'));
    expect(await before.objects.get('new')).toBeDefined();
  });

  test('names damaged objects, goes on, and keeps the old key while one needs it', async () => {
    const store = await openTestStore();
    await fill(store);
    await store.raw.put('x/3', Buffer.from('garbage'));
    const report = await rotateKeys(store);
    expect(report.damaged.map(({ key }) => key)).toEqual(['x/3']);
    await store.raw.delete('x/3');
    const before = store.keys.ring();
    await store.raw.put(
      'late',
      sealObject('late', Buffer.from('x'), { ...before, current: [...before.keys.keys()][0]! }),
    );
    await expect(dropOldKeys(store)).rejects.toMatchObject({
      message: expect.stringContaining('late'),
    });
    expect(await resealObjects(store)).toMatchObject({ resealed: 1 });
    await dropOldKeys(store);
  });

  test('two at once: one does it, the other is told, and no key is lost', async () => {
    const store = await openTestStore();
    await fill(store);
    const other = await openStore({ store: store.url });
    const ended = await Promise.allSettled([rotateKeys(store), rotateKeys(other)]);
    for (const result of ended) {
      if (result.status === 'rejected') expect(String(result.reason)).toContain('another process');
    }
    const fresh = await openStore({ store: fileUrl(store) });
    for (let index = 0; index < 20; index += 1) {
      expect(Buffer.from((await fresh.objects.get(`x/${index}`))!).toString()).toBe(
        `value ${index}`,
      );
    }
  });
});

function fileUrl(store: Store): string {
  return `file://${fileURLToPath(store.url)}`;
}
