/** An object store whose content leaves the process encrypted and is verified on every read. */
import {
  ENVELOPE_OVERHEAD,
  openObject,
  rewrapObject,
  sealedUnder,
  sealObject,
} from './envelope.js';
import type { KeyRing } from './key-ring.js';
import type { ObjectStore } from './object-store.js';

/** Where the master keys come from; `reload` looks again, because another process may have rotated them. */
export interface KeySource {
  ring(): KeyRing;
  reload(): Promise<KeyRing>;
}

/** An encrypted view of a store. Reads throw `StateDamaged` for an altered object, `InvalidConfiguration` without its key. */
export interface EncryptedObjects extends ObjectStore {
  /** Seals an object's key under the current master key; false when it already is, or is gone. */
  rewrap(key: string): Promise<boolean>;
}

/** Wraps a store; names stay readable, content does not, and no object passes for another. */
export function encryptObjects(raw: ObjectStore, keys: KeySource): EncryptedObjects {
  const ringFor = async (key: string, sealed: Uint8Array): Promise<KeyRing> => {
    const ring = keys.ring();
    return ring.keys.has(sealedUnder(key, sealed)) ? ring : keys.reload();
  };
  return {
    get: async (key) => {
      const sealed = await raw.get(key);
      return sealed && openObject(key, sealed, await ringFor(key, sealed));
    },
    create: (key, bytes) => raw.create(key, sealObject(key, bytes, keys.ring())),
    put: (key, bytes) => raw.put(key, sealObject(key, bytes, keys.ring())),
    delete: (key) => raw.delete(key),
    async *list(prefix) {
      for await (const info of raw.list(prefix)) {
        yield { ...info, size: Math.max(0, info.size - ENVELOPE_OVERHEAD) };
      }
    },
    close: () => raw.close(),
    rewrap: async (key) => {
      const sealed = await raw.get(key);
      if (!sealed) return false;
      const ring = await ringFor(key, sealed);
      if (sealedUnder(key, sealed) === ring.current) return false;
      await raw.put(key, rewrapObject(key, sealed, ring));
      return true;
    },
  };
}
