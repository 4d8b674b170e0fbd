/** The object store over a real S3 server. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { wholeOf } from '../../src/content.js';
import { closeRun, markEnded, markStarted, openAttempt } from '../../src/stack/attempt-store.js';
import { newRecord, readRecord, updateRecord } from '../../src/stack/record.js';
import { loadSnapshot, storeVersion, withSnapshot } from '../../src/state/snapshot.js';
import { openStore, type Store } from '../../src/store/open-store.js';
import { openS3Store } from '../../src/store/s3.js';
import { S3_CREDENTIALS, startS3Server, type S3Server } from '../support/s3-server.js';
import { objectStoreCases } from '../unit/store/object-store-cases.js';
import { temporaryFolder } from '../unit/store/open-test-store.js';

let server: S3Server;
const at = '2026-01-01T00:00:00.000Z';
const freshPrefix = (): string => `p/${randomBytes(4).toString('hex')}`;

beforeAll(async () => {
  server = await startS3Server(AbortSignal.timeout(170_000));
  vi.stubEnv('AWS_ACCESS_KEY_ID', S3_CREDENTIALS.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', S3_CREDENTIALS.secretAccessKey);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server.remove();
});

/** Two workers on one bucket, with copies of one master key. */
async function twoWorkers(): Promise<[Store, Store]> {
  const masterKeyFile = join(await temporaryFolder(), 'key');
  const config = { store: server.storeUrl(freshPrefix()), masterKeyFile, allowCreate: true };
  return [await openStore(config), await openStore(config)];
}

describe('object store on S3', () => {
  objectStoreCases(async () => {
    const url = new URL(server.storeUrl(freshPrefix()));
    return { store: await openS3Store(url), second: await openS3Store(url) };
  });

  test('create holds under many races: one winner, whose bytes stand', async () => {
    const url = new URL(server.storeUrl(freshPrefix()));
    const [a, b] = [await openS3Store(url), await openS3Store(url)];
    for (let round = 0; round < 60; round += 1) {
      const won = await Promise.all(
        Array.from({ length: 16 }, (_, writer) =>
          (writer % 2 ? a : b).create(`race/${round}`, Buffer.from(`${writer}`.repeat(2000))),
        ),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      const stands = Buffer.from((await a.get(`race/${round}`))!).toString();
      expect(stands).toBe(`${won.indexOf(true)}`.repeat(2000));
    }
  });
});

describe('a store on S3', () => {
  test('carries a whole run between two workers', async () => {
    const [one, two] = await twoWorkers();
    expect(one.installation).toBe(two.installation);
    const run = {
      planDigest: `sha256:${'a'.repeat(64)}`,
      dockerId: 'd',
      containerName: 'c',
      operation: 'apply' as const,
      workflowId: 'w',
      runId: 'r',
      at,
    };
    const opened = await Promise.all([one, two].map((store) => openAttempt(store, 's', run)));
    expect(opened.filter(({ fresh }) => fresh)).toHaveLength(1);
    const { attempt } = opened[0]!;
    await markStarted(two, attempt, 'container', at);
    const state = await storeVersion(two, 's', Buffer.from('state'), {
      fingerprint: 'l/1',
      operation: 'apply',
      at,
    });
    await markEnded(two, attempt, { outcome: 'succeeded', at });
    await closeRun(one, attempt, (record) => withSnapshot(record, state));
    const { record } = (await readRecord(two, 's'))!;
    expect((await wholeOf((await loadSnapshot(two, record))!)).toString()).toBe('state');
    expect((await one.stackKey('s')).mask).toEqual((await two.stackKey('s')).mask);
  });

  test('counts every update of two workers', async () => {
    const stores = await twoWorkers();
    await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        updateRecord(stores[index % 2]!, 's', (record = newRecord('s', at)) => ({
          ...record,
          counter: Number(record['counter'] ?? 0) + 1,
        })),
      ),
    );
    expect((await readRecord(stores[0], 's'))?.record['counter']).toBe(16);
  });

  test('notices one flipped bit in the bucket, and names the object', async () => {
    const prefix = freshPrefix();
    const masterKeyFile = join(await temporaryFolder(), 'key');
    const store = await openStore({
      store: server.storeUrl(prefix),
      masterKeyFile,
      allowCreate: true,
    });
    await store.objects.put('a/b', Buffer.from('content that must not be readable'));
    const file = server.fileOf(`${prefix}/a/b`);
    const bytes = await readFile(file);
    expect(bytes.includes('readable')).toBe(false);
    bytes[bytes.length - 30]! ^= 8;
    await writeFile(file, bytes);
    await expect(store.objects.get('a/b')).rejects.toMatchObject({
      code: 'StateDamaged',
      message: expect.stringContaining('a/b'),
    });
  });

  test('that is away is StoreUnavailable, and works again when it is back', async () => {
    const [store] = await twoWorkers();
    await store.objects.put('x', Buffer.from('before'));
    await server.stop();
    try {
      const refused = await Promise.allSettled([
        store.objects.get('x'),
        store.objects.create('y', Buffer.from('y')),
      ]);
      for (const result of refused) {
        expect(result).toMatchObject({
          status: 'rejected',
          reason: {
            code: 'StoreUnavailable',
            message: expect.stringMatching(
              /the store at s3:\/\/test\/p\/.* failed: .*ECONNREFUSED/,
            ),
          },
        });
      }
    } finally {
      await server.start();
    }
    expect(Buffer.from((await store.objects.get('x'))!).toString()).toBe('before');
    expect(await store.objects.create('y', Buffer.from('y'))).toBe(true);
  });

  test('without its bucket, its key file or the right password says which', async () => {
    const masterKeyFile = join(await temporaryFolder(), 'key');
    const open = (url: string, over: object = {}) =>
      openStore({ store: url, masterKeyFile, allowCreate: true, ...over });
    await expect(open(server.storeUrl('x', 'nobucket'))).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: expect.stringContaining('bucket does not exist'),
    });
    await expect(open(server.storeUrl('x'), { masterKeyFile: undefined })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining('CLDCTL_MASTER_KEY_FILE'),
    });
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong-secret');
    try {
      const refused = await open(server.storeUrl('x')).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'StoreUnavailable' });
      expect(String(refused)).not.toContain('wrong-secret');
    } finally {
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', S3_CREDENTIALS.secretAccessKey);
    }
  });
});
