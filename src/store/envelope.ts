/** Envelope encryption of one object: its own random key seals the bytes, the master key seals that key. */
import { createCipheriv, createDecipheriv, randomBytes, type DecipherGCM } from 'node:crypto';
import { piecesOf, sizeOf, type Content, type LargeContent } from '../content.js';
import { CodedError } from '../errors.js';
import type { KeyRing } from './key-ring.js';
import { damagedObject } from './store-error.js';

const MAGIC = Buffer.from('CIE1');
const ID = 8;
const NONCE = 12;
const KEY = 32;
const TAG = 16;
const WRAPPED = NONCE + KEY + TAG;
const HEADER = MAGIC.length + ID + WRAPPED;
/** Where the encrypted bytes begin. */
const DATA = HEADER + NONCE;

/** Bytes that sealing adds to an object. */
export const ENVELOPE_OVERHEAD = HEADER + NONCE + TAG;

/** Seals bytes under the ring's current key; they open only under the same object name. AES-256-GCM. */
export function sealObject(name: string, bytes: Uint8Array, ring: KeyRing): Buffer {
  const key = randomBytes(KEY);
  return Buffer.concat([header(name, key, ring), ...encrypt(key, bytes, aad(name, 'data'))]);
}

/** Seals content while it is read: what `sealObject` makes, in pieces. */
export function sealContent(name: string, content: Content, ring: KeyRing): LargeContent {
  return {
    size: sizeOf(content) + ENVELOPE_OVERHEAD,
    async *[Symbol.asyncIterator]() {
      const key = randomBytes(KEY);
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      cipher.setAAD(aad(name, 'data'));
      yield Buffer.concat([header(name, key, ring), nonce]);
      for await (const piece of piecesOf(content)) yield cipher.update(piece);
      yield Buffer.concat([cipher.final(), cipher.getAuthTag()]);
    },
  };
}

/** The id of the master key that an object is sealed under. Throws `StateDamaged`. */
export function sealedUnder(name: string, sealed: Uint8Array): string {
  const bytes = asBuffer(sealed);
  if (bytes.length < DATA) throw damagedObject(name, 'cut short');
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw damagedObject(name, 'not an encrypted object of this version');
  }
  return bytes.toString('hex', MAGIC.length, MAGIC.length + ID);
}

/** Opens a sealed object. Throws `StateDamaged` when a bit differs, `InvalidConfiguration` without its key. */
export function openObject(name: string, sealed: Uint8Array, ring: KeyRing): Buffer {
  const bytes = wholeEnvelope(name, sealed);
  const key = unwrap(name, bytes, ring);
  return decrypt(name, key, bytes.subarray(HEADER), aad(name, 'data'));
}

/**
 * Opens sealed content while it is read; `ringFor` finds the ring for its beginning. The last piece alone proves those before
 * it: instead of it `StateDamaged` is thrown when a bit differs. Throws `InvalidConfiguration` without its key.
 */
export function openContent(
  name: string,
  sealed: Content,
  ringFor: (beginning: Uint8Array) => Promise<KeyRing>,
): LargeContent {
  const size = sizeOf(sealed) - ENVELOPE_OVERHEAD;
  if (size < 0) throw damagedObject(name, 'cut short');
  return {
    size,
    async *[Symbol.asyncIterator]() {
      let beginning = Buffer.alloc(0);
      let decipher: DecipherGCM | undefined;
      let left = size;
      let tag = Buffer.alloc(0);
      for await (const piece of piecesOf(sealed)) {
        let rest = asBuffer(piece);
        if (decipher === undefined) {
          const missing = DATA - beginning.length;
          beginning = Buffer.concat([beginning, rest.subarray(0, missing)]);
          if (beginning.length < DATA) continue;
          decipher = createDataDecipher(name, beginning, await ringFor(beginning));
          rest = rest.subarray(missing);
        }
        if (left > 0 && rest.length > 0) yield decipher.update(rest.subarray(0, left));
        tag = Buffer.concat([tag, rest.subarray(left)]);
        left = Math.max(0, left - rest.length);
      }
      if (decipher === undefined || tag.length !== TAG) throw damagedObject(name, 'cut short');
      decipher.setAuthTag(tag);
      finish(name, decipher);
    },
  };
}

/** The same object with its key sealed under the ring's current master key; the bytes are not touched. */
export function rewrapObject(name: string, sealed: Uint8Array, ring: KeyRing): Buffer {
  const bytes = wholeEnvelope(name, sealed);
  return Buffer.concat([header(name, unwrap(name, bytes, ring), ring), bytes.subarray(HEADER)]);
}

function header(name: string, key: Buffer, ring: KeyRing): Buffer {
  const id = Buffer.from(ring.current, 'hex');
  return Buffer.concat([
    MAGIC,
    id,
    ...encrypt(masterKey(name, ring.current, ring), key, aad(name, 'key')),
  ]);
}

function unwrap(name: string, bytes: Buffer, ring: KeyRing): Buffer {
  const id = sealedUnder(name, bytes);
  const wrapped = bytes.subarray(MAGIC.length + ID, HEADER);
  if (!ring.keys.has(id)) refuseAlteredId(name, wrapped, ring);
  return decrypt(name, masterKey(name, id, ring), wrapped, aad(name, 'key'));
}

/** An id that names no key of the ring may itself be the damage: then one of the ring's keys opens the object. */
function refuseAlteredId(name: string, wrapped: Buffer, ring: KeyRing): void {
  for (const key of ring.keys.values()) {
    try {
      decrypt(name, key, wrapped, aad(name, 'key'));
    } catch {
      continue;
    }
    throw damagedObject(name, 'its key id was altered');
  }
}

function masterKey(name: string, id: string, ring: KeyRing): Buffer {
  const key = ring.keys.get(id);
  if (key) return key;
  throw new CodedError(
    'InvalidConfiguration',
    `stored object ${name} is encrypted under master key ${id}, which the key file does not hold: restore that key or correct CLDCTL_MASTER_KEY_FILE`,
  );
}

function encrypt(key: Buffer, bytes: Uint8Array, bound: Buffer): Buffer[] {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(bound);
  return [nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()];
}

function decrypt(name: string, key: Buffer, sealed: Buffer, bound: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE));
  decipher.setAAD(bound);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
  const plain = decipher.update(sealed.subarray(NONCE, sealed.length - TAG));
  finish(name, decipher);
  return plain;
}

/** For what follows the beginning of a sealed object. */
function createDataDecipher(name: string, beginning: Buffer, ring: KeyRing): DecipherGCM {
  const key = unwrap(name, beginning, ring);
  const decipher = createDecipheriv('aes-256-gcm', key, beginning.subarray(HEADER));
  decipher.setAAD(aad(name, 'data'));
  return decipher;
}

function finish(name: string, decipher: DecipherGCM): void {
  try {
    decipher.final();
  } catch (error) {
    throw damagedObject(name, 'its content is not what was written under this name', error);
  }
}

function wholeEnvelope(name: string, sealed: Uint8Array): Buffer {
  if (sealed.length < ENVELOPE_OVERHEAD) throw damagedObject(name, 'cut short');
  return asBuffer(sealed);
}

function aad(name: string, part: 'key' | 'data'): Buffer {
  return Buffer.from(`cldctl-iac ${part}\0${name}`);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
