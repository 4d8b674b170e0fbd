/** An object store whose content leaves the process encrypted and is verified on every read. */
import { piecesOf, sizeOf, type Content } from '../content.js';
import {
  ENVELOPE_OVERHEAD,
  openContent,
  openObject,
  rewrapObject,
  sealContent,
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

/** Bytes up to which an object is read at once. */
const SMALL = 1024 * 1024;

/** Wraps a store; names stay readable, content does not, and no object passes for another. */
export function encryptObjects(raw: ObjectStore, keys: KeySource): EncryptedObjects {
  const ringFor = async (key: string, sealed: Uint8Array): Promise<KeyRing> => {
    const ring = keys.ring();
    return ring.keys.has(sealedUnder(key, sealed)) ? ring : keys.reload();
  };
  const sealed = (key: string, content: Content): Content =>
    content instanceof Uint8Array
      ? sealObject(key, content, keys.ring())
      : sealContent(key, content, keys.ring());
  const get = async (key: string): Promise<Buffer | undefined> => {
    const found = await raw.get(key);
    return found && openObject(key, found, await ringFor(key, found));
  };
  return {
    get,
    open: async (key) => {
      const found = await raw.open(key);
      if (found === undefined || sizeOf(found) <= SMALL) return found && get(key);
      const content = openContent(key, found, (beginning) => ringFor(key, beginning));
      // Proved once as a whole: who reads it in pieces acts on the first before the last one has come.
      for await (const _ of piecesOf(content));
      return content;
    },
    create: (key, content) => raw.create(key, sealed(key, content)),
    put: (key, content) => raw.put(key, sealed(key, content)),
    delete: (key) => raw.delete(key),
    async *list(prefix) {
      for await (const info of raw.list(prefix)) {
        yield { ...info, size: Math.max(0, info.size - ENVELOPE_OVERHEAD) };
      }
    },
    close: () => raw.close(),
    rewrap: async (key) => {
      const found = await raw.get(key);
      if (!found) return false;
      const ring = await ringFor(key, found);
      if (sealedUnder(key, found) === ring.current) return false;
      await raw.put(key, rewrapObject(key, found, ring));
      return true;
    },
  };
}
