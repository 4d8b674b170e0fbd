/** A process that works on a store until it is killed or the disk ends; prints one line per acknowledged write. */
import { wholeOf } from '../../../src/content.js';
import { CodedError } from '../../../src/errors.js';
import { newRecord, readRecord, updateRecord } from '../../../src/stack/record.js';
import { loadSnapshot, saveSnapshot } from '../../../src/state/snapshot.js';
import { openStore, type Store } from '../../../src/store/open-store.js';

const at = '2026-01-01T00:00:00.000Z';
const [task = '', url = '', name = ''] = process.argv.slice(2);
const say = (line: object): boolean => process.stdout.write(`${JSON.stringify(line)}\n`);
const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'done';
  } catch (error) {
    return error instanceof CodedError
      ? `${error.code}: ${error.message}`
      : `uncoded: ${String(error)}`;
  }
};
const snapshot = (store: Store, text: string): Promise<unknown> =>
  saveSnapshot(store, 's', Buffer.from(text), {
    fingerprint: text.slice(0, 20),
    operation: 'apply',
    at,
  });

const tasks: Record<string, (store: Store) => Promise<void>> = {
  /** Writes in every way there is, for ever. */
  async write(store) {
    for (let index = 0; ; index += 1) {
      const body = `${name} ${index} `.repeat(400);
      const [created] = await Promise.all([
        store.objects.create(`created/${name}-${index}`, Buffer.from(body)),
        store.objects.put('replaced/one', Buffer.from(body)),
        updateRecord(store, 's', (record = newRecord('s', at)) => ({
          ...record,
          counter: Number(record['counter'] ?? 0) + 1,
        })),
      ]);
      say({ index, created });
    }
  },

  /** Counts in one record and takes marks, beside others that do the same. */
  async race(store) {
    let won = 0;
    for (let index = 0; index < 40; index += 1) {
      if (await store.objects.create(`marks/${index}`, Buffer.from(name))) won += 1;
      for (;;) {
        const counted = await codeOf(
          updateRecord(store, 's', (record = newRecord('s', at)) => ({
            ...record,
            counter: Number(record['counter'] ?? 0) + 1,
          })),
        );
        if (counted === 'done') break;
        if (!counted.includes('StoreConflict')) throw new Error(counted);
      }
    }
    say({ won });
  },

  /** Prepares a store with one state. */
  async prepare(store) {
    await snapshot(store, 'the good state');
    say({ prepared: true });
  },

  /** Fills the disk, looks what is left, makes room, goes on. */
  async fill(store) {
    const kept: string[] = [];
    let refused = 'done';
    while (refused === 'done') {
      const key = `fill/${kept.length}`;
      refused = await codeOf(store.objects.create(key, Buffer.alloc(8192, kept.length)));
      if (refused === 'done') kept.push(key);
    }
    const intact = await Promise.all(kept.map((key) => store.objects.get(key)));
    say({
      refused,
      kept: kept.length,
      intact: intact.every((bytes, index) => bytes?.length === 8192 && bytes[0] === index % 256),
      absent: (await store.objects.get(`fill/${kept.length}`)) === undefined,
      snapshot: await codeOf(snapshot(store, 'another state '.repeat(5000))),
      state: await currentState(store),
    });
    for (const key of kept.slice(0, 20)) await store.objects.delete(key);
    say({
      after: await codeOf(snapshot(store, 'another state '.repeat(5000))),
      length: (await currentState(store)).length,
    });
  },

  /** Tries everything on a store that cannot be written. */
  async probe(store) {
    say({
      state: await currentState(store),
      create: await codeOf(store.objects.create('x', Buffer.from('x'))),
      put: await codeOf(store.objects.put('x', Buffer.from('x'))),
      record: await codeOf(updateRecord(store, 's', (record) => ({ ...record!, image: 'x' }))),
      remove: await codeOf(store.objects.delete('installation')),
    });
  },
};

async function currentState(store: Store): Promise<string> {
  const found = await readRecord(store, 's');
  const state = await loadSnapshot(store, found?.record ?? { stackId: 's' });
  return state === undefined ? '' : (await wholeOf(state)).toString();
}

try {
  await tasks[task]?.(await openStore({ store: url, allowCreate: true }));
} catch (error) {
  say({ failed: error instanceof CodedError ? error.code : 'uncoded', message: String(error) });
  process.exitCode = 1;
}
