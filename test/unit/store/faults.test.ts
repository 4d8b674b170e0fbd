/** The file-system store under what really happens to it: kills, full and read-only disks, other processes. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRecord } from '../../../src/stack/record.js';
import { openStore } from '../../../src/store/open-store.js';
import { bundleProgram } from '../../support/node-program.js';
import { temporaryFolder } from './open-test-store.js';

let program: Awaited<ReturnType<typeof bundleProgram>>;
beforeAll(async () => {
  program = await bundleProgram(fileURLToPath(new URL('store-program.ts', import.meta.url)));
}, 60_000);
afterAll(() => program.remove());

const run = promisify(execFile);
const lines = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('kill -9 while it writes', () => {
  test('loses nothing that was acknowledged, and leaves nothing half written', async () => {
    const folder = await temporaryFolder();
    const url = `file://${folder}/store`;
    const acknowledged = new Map<string, number>();
    for (let round = 0; round < 12; round += 1) {
      const child = spawn(process.execPath, [program.path, 'write', url, `w${round}`]);
      let seen = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        const { index, failed, created } = JSON.parse(line) as Record<string, unknown>;
        expect(failed).toBeUndefined();
        expect(created).toBe(true);
        acknowledged.set(`w${round}`, index as number);
        // Somewhere inside the next write, another place each round.
        if ((seen += 1) === 2 + round) setTimeout(() => child.kill('SIGKILL'), (round * 7) % 11);
      }
      if (child.signalCode === null) await once(child, 'exit');
      expect(child.signalCode).toBe('SIGKILL');

      const store = await openStore({ store: url });
      let objects = 0;
      for await (const { key } of store.raw.list('')) {
        await store.objects.get(key);
        objects += 1;
      }
      for (const [name, last] of acknowledged) {
        for (let index = 0; index <= last; index += 1) {
          const bytes = await store.objects.get(`created/${name}-${index}`);
          expect(Buffer.from(bytes ?? []).toString()).toBe(`${name} ${index} `.repeat(400));
        }
      }
      const total = [...acknowledged.values()].reduce((sum, last) => sum + last + 1, 0);
      const counter = Number((await readRecord(store, 's'))?.record['counter']);
      expect(counter).toBeGreaterThanOrEqual(total);
      // Each killed process may have counted once more than it could say.
      expect(counter).toBeLessThanOrEqual(total + round + 1);
      expect(objects).toBeGreaterThan(total);
    }
  }, 60_000);
});

describe('several processes on one store', () => {
  test('each mark has one owner and no count is lost', async () => {
    const folder = await temporaryFolder();
    const url = `file://${folder}/store`;
    await openStore({ store: url, allowCreate: true });
    const ended = await Promise.all(
      ['a', 'b', 'c'].map((name) => run(process.execPath, [program.path, 'race', url, name])),
    );
    const won = ended.map(({ stdout }) => Number(lines(stdout)[0]?.['won']));
    expect(won.reduce((sum, count) => sum + count, 0)).toBe(40);
    expect((await readRecord(await openStore({ store: url }), 's'))?.record['counter']).toBe(120);
  }, 60_000);
});

/** Runs a script in a mount namespace of its own with a small disk at $DISK; nothing stays mounted. */
async function onSmallDisk(script: string): Promise<Record<string, unknown>[]> {
  const disk = await temporaryFolder();
  const own = process.getuid?.() === 0 ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
  const { stdout } = await run('unshare', [...own, 'sh', '-ec', script], {
    env: { ...process.env, DISK: disk, NODE: process.execPath, PROGRAM: program.path },
  });
  return lines(stdout);
}
const MOUNT = 'mount -t tmpfs -o size=512k none "$DISK"';
const START = (task: string): string => `"$NODE" "$PROGRAM" ${task} "file://$DISK/store"`;

describe('a disk', () => {
  test('that is full refuses new objects, keeps the old ones whole, and works again with room', async () => {
    const [prepared, full, after] = await onSmallDisk(
      [MOUNT, START('prepare'), START('fill')].join('\n'),
    );
    expect(prepared).toEqual({ prepared: true });
    expect(full).toMatchObject({
      refused: expect.stringMatching(/^StoreUnavailable: the store at .* is full: free space/),
      intact: true,
      absent: true,
      snapshot: expect.stringMatching(/^StoreUnavailable: .* is full/),
      state: 'the good state',
    });
    expect(full?.['kept']).toBeGreaterThan(20);
    expect(after).toEqual({ after: 'done', length: 'another state '.length * 5000 });
  });

  test('that is full before the first write says so', async () => {
    const [opened] = await onSmallDisk(
      [
        MOUNT,
        'head -c 600000 /dev/zero > "$DISK/ballast" 2>/dev/null || true',
        `${START('prepare')} || true`,
      ].join('\n'),
    );
    expect(opened).toMatchObject({
      failed: 'StoreUnavailable',
      message: expect.stringContaining('is full'),
    });
  });

  test('that is read-only is read, and every write says so', async () => {
    const [, found] = await onSmallDisk(
      [MOUNT, START('prepare'), 'mount -o remount,ro "$DISK"', START('probe')].join('\n'),
    );
    const refused = expect.stringMatching(/^StoreUnavailable: .* is read-only: mount it writable/);
    expect(found).toEqual({
      state: 'the good state',
      create: refused,
      put: refused,
      record: refused,
      remove: refused,
    });
  });
});
