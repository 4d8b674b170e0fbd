/** Care of the master keys: a copy for safekeeping, a new key, the end of an old one. */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import * as z from 'zod';
import { CodedError } from '../errors.js';
import { sealedUnder } from './envelope.js';
import { addKey, formatKeyRing, parseKeyRing, writeKeyFile, type KeyRing } from './key-ring.js';
import type { Store } from './open-store.js';

/** What a pass over all objects did. */
export interface ResealReport {
  /** Id of the key that seals from now on. */
  readonly current: string;
  readonly resealed: number;
  readonly unchanged: number;
  /** Objects that could not be opened; they are left as they were. */
  readonly damaged: readonly { readonly key: string; readonly message: string }[];
}

/** Options of a pass over all objects. */
export interface ResealOptions {
  readonly signal?: AbortSignal;
  onProgress?(done: number): void;
}

const SCRYPT = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 };
const backupSchema = z.strictObject({
  backup: z.literal('cldctl-iac master keys'),
  version: z.literal(1),
  salt: z.string(),
  sealed: z.string(),
});

/** The master keys as text, sealed under a passphrase (scrypt, AES-256-GCM); without one, as the key file itself. */
export async function backupKeys(ring: KeyRing, passphrase?: string): Promise<string> {
  if (passphrase === undefined) return formatKeyRing(ring);
  const salt = randomBytes(16);
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', await stretch(passphrase, salt), nonce);
  const parts = [nonce, cipher.update(formatKeyRing(ring)), cipher.final(), cipher.getAuthTag()];
  const backup = {
    backup: 'cldctl-iac master keys',
    version: 1,
    salt: salt.toString('base64'),
    sealed: Buffer.concat(parts).toString('base64'),
  };
  return `${JSON.stringify(backup, undefined, 2)}\n`;
}

/** Opens what `backupKeys` made. Throws `InvalidConfiguration` for a wrong passphrase or an altered copy. */
export async function openBackup(text: string, passphrase: string): Promise<KeyRing> {
  try {
    const { salt, sealed } = backupSchema.parse(JSON.parse(text));
    const bytes = Buffer.from(sealed, 'base64');
    const key = await stretch(passphrase, Buffer.from(salt, 'base64'));
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(-16));
    const plain = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
    return parseKeyRing(plain.toString('utf8'), 'in the backup');
  } catch (error) {
    throw new CodedError(
      'InvalidConfiguration',
      'this backup of the master keys does not open: the passphrase is wrong, or it was altered',
      { cause: error },
    );
  }
}

/**
 * Puts a new master key to use, keeps the old ones, and seals every object's own key under the new one.
 * Interrupted, it is continued by `resealObjects`. Other processes on the same key file find the new key by themselves;
 * copies of the file on other machines must be renewed. Throws `InvalidConfiguration` when the keys don't come from a file.
 */
export async function rotateKeys(store: Store, options: ResealOptions = {}): Promise<ResealReport> {
  await changeKeyFile(store, addKey);
  return resealObjects(store, options);
}

/** Seals every object's own key under the current master key; objects that already are stay untouched. */
export async function resealObjects(
  store: Store,
  options: ResealOptions = {},
): Promise<ResealReport> {
  const { current } = await store.keys.reload();
  const damaged: { key: string; message: string }[] = [];
  let resealed = 0;
  let unchanged = 0;
  for await (const { key } of store.raw.list('')) {
    options.signal?.throwIfAborted();
    try {
      if (await store.objects.rewrap(key)) resealed += 1;
      else unchanged += 1;
    } catch (error) {
      if (!(error instanceof CodedError) || error.code === 'StoreUnavailable') throw error;
      damaged.push({ key, message: error.message });
    }
    options.onProgress?.(resealed + unchanged + damaged.length);
  }
  return { current, resealed, unchanged, damaged };
}

/** Forgets all keys but the current one. Throws `InvalidConfiguration` while an object needs another. */
export async function dropOldKeys(store: Store): Promise<KeyRing> {
  const { current } = await store.keys.reload();
  for await (const { key } of store.raw.list('')) {
    const sealed = await store.raw.get(key);
    if (sealed && sealedUnder(key, sealed) !== current) {
      throw new CodedError(
        'InvalidConfiguration',
        `stored object ${key} still needs an older master key: rotate once more first`,
      );
    }
  }
  return changeKeyFile(store, (ring) => ({
    current: ring.current,
    keys: new Map([...ring.keys].filter(([id]) => id === ring.current)),
  }));
}

/** Changes the key file under a lock: two rotations at once would each forget the other's key. */
async function changeKeyFile(store: Store, change: (ring: KeyRing) => KeyRing): Promise<KeyRing> {
  const file = store.masterKeyFile;
  if (file === undefined) {
    throw new CodedError(
      'InvalidConfiguration',
      'the master keys were not read from a file: change them where they come from',
    );
  }
  const lock = `${file}.lock`;
  try {
    await (await open(lock, 'wx', 0o600)).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new CodedError(
      'InvalidConfiguration',
      `${lock} exists: the master keys are being changed by another process; if none is, remove that file`,
    );
  }
  try {
    await writeKeyFile(file, change(await store.keys.reload()), 'replace');
    return await store.keys.reload();
  } finally {
    await unlink(lock);
  }
}

function stretch(passphrase: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, 32, SCRYPT, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
