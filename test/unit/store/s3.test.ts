/** The store on S3 before a server that takes requests and is silent; a real one is used in `test/system/store-s3.test.ts`. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openS3Store } from '../../../src/store/s3.js';

const sockets = new Set<Socket>();
const server = createServer((socket) => void sockets.add(socket));
beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test-access');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test-secret');
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test('is called away after some tries', async () => {
  const { port } = server.address() as AddressInfo;
  const url = `s3://bucket/prefix?region=us-east-1&forcePathStyle=true&endpoint=http://127.0.0.1:${port}`;
  const store = await openS3Store(new URL(url), { socketTimeout: 50 });
  await expect(store.get('key')).rejects.toMatchObject({
    code: 'StoreUnavailable',
    message: expect.stringMatching(
      /^the store at s3:\/\/bucket\/prefix failed: .*inactivity/,
    ) as string,
  });
  expect(sockets.size).toBe(5);
  store.close();
});
