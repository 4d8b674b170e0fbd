/** A new master key for everything in a store. */
import { readKeyFile, writeKeyFile, addKey } from '../src/store/key-ring.js';
import { rewrapObject, sealedUnder } from '../src/store/envelope.js';
import type { Store } from '../src/store/open-store.js';

export interface Rotation {
  /** Id of the key that seals now. */
  readonly current: string;
  /** Objects that were sealed anew. */
  readonly objects: number;
}

/**
 * Adds a key to the ring, then seals the key of every object under it; the objects' own bytes stay as they are.
 * A rotation that was interrupted is finished first: a new key is made only when no object is under an older one.
 */
export async function rotateKeys(
  store: Store,
  keyFile: string,
  signal: AbortSignal,
  progress: (objects: number) => void,
): Promise<Rotation> {
  const held = await readKeyFile(keyFile);
  if (held === undefined) throw new Error(`the key file ${keyFile} is gone`);
  if (!(await hasOlder(store, held.current))) await writeKeyFile(keyFile, addKey(held), 'replace');
  const ring = await store.keys.reload();
  let objects = 0;
  for await (const { key } of store.raw.list('')) {
    signal.throwIfAborted();
    const sealed = await store.raw.get(key);
    if (sealed === undefined || sealedUnder(key, sealed) === ring.current) continue;
    await store.raw.put(key, rewrapObject(key, sealed, ring));
    objects += 1;
    progress(objects);
  }
  return { current: ring.current, objects };
}

async function hasOlder(store: Store, current: string): Promise<boolean> {
  for await (const { key } of store.raw.list('')) {
    const sealed = await store.raw.get(key);
    if (sealed !== undefined && sealedUnder(key, sealed) !== current) return true;
  }
  return false;
}
