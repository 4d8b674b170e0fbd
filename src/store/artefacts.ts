/** Content-addressed bytes: archives, logs, event streams, answers. */
import { createHash } from 'node:crypto';
import { CodedError } from '../errors.js';
import type { ObjectStore } from './object-store.js';
import { damagedObject } from './store-error.js';

/** Bytes by their SHA-256. */
export interface Artefacts {
  /** Stores bytes and returns `sha256:` and 64 hex digits. */
  put(bytes: Uint8Array): Promise<string>;
  /** Throws `InvalidInput` when there is no such artefact, `StateDamaged` when it was altered. */
  get(digest: string): Promise<Uint8Array>;
  has(digest: string): Promise<boolean>;
}

/** `sha256:` and 64 hex digits of bytes. */
export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** The object that holds an artefact. Throws `InvalidInput` for what is no digest. */
export function artefactKey(digest: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
  if (hex === undefined) {
    throw new CodedError(
      'InvalidInput',
      `${digest} is not a digest: expected sha256: and 64 hex digits`,
    );
  }
  return `artefacts/${hex.slice(0, 2)}/${hex}`;
}

/** Artefacts in a store. */
export function createArtefacts(objects: ObjectStore): Artefacts {
  const read = async (digest: string): Promise<Uint8Array | undefined> => {
    const key = artefactKey(digest);
    const bytes = await objects.get(key);
    if (bytes && digestOf(bytes) !== digest) throw damagedObject(key, 'its digest differs');
    return bytes;
  };
  return {
    put: async (bytes) => {
      const digest = digestOf(bytes);
      // Written again when it is there: that renews its age for the janitor, and heals a damaged one.
      await objects.put(artefactKey(digest), bytes);
      return digest;
    },
    get: async (digest) => {
      const bytes = await read(digest);
      if (bytes) return bytes;
      throw new CodedError('InvalidInput', `the store has no artefact ${digest}: upload it again`);
    },
    has: async (digest) => (await read(digest)) !== undefined,
  };
}
