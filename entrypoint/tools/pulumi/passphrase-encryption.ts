/** The encryption of Pulumi's passphrase secrets provider (CLI 3.259.0, `pkg/secrets/passphrase`). */
import { createCipheriv, createDecipheriv, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { FailureError } from '../../failure-error.js';

const ITERATIONS = 1_000_000;
const SALT_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What the CLI encrypts into `encryptionsalt` to recognise a wrong passphrase. */
const PROBE = 'pulumi';

const deriveKey = promisify(pbkdf2);

/** Encrypts and decrypts values of one stack. */
export interface PassphraseEncryption {
  /** The stack's `encryptionsalt`: `v1:SALT:v1:NONCE:CIPHERTEXT`. */
  readonly salt: string;
  encrypt(text: string): string;
  /** Throws `Error` when the value was encrypted under another key, or altered. */
  decrypt(ciphertext: string): string;
}

/**
 * Derives the key (about 0.2 s of one core), for the salt of the stack's state, or for a new one. Throws `InvalidInput` when the passphrase
 * is not the one of the salt.
 */
export async function openEncryption(
  passphrase: string,
  salt?: string,
): Promise<PassphraseEncryption> {
  const saltBytes = salt === undefined ? randomBytes(SALT_BYTES) : saltOf(salt);
  const key = await deriveKey(passphrase, saltBytes, ITERATIONS, 32, 'sha256');
  if (salt !== undefined) proveKey(key, salt);
  return {
    salt: salt ?? `v1:${saltBytes.toString('base64')}:${encrypt(key, PROBE)}`,
    encrypt: (text) => encrypt(key, text),
    decrypt: (ciphertext) => decrypt(key, ciphertext),
  };
}

function saltOf(salt: string): Buffer {
  const [version, base64] = salt.split(':', 2);
  const bytes = Buffer.from(base64 ?? '', 'base64');
  if (version === 'v1' && bytes.length === SALT_BYTES) return bytes;
  throw new FailureError(
    'StateDamaged',
    'the encryption salt in the state is not one that Pulumi writes',
  );
}

function proveKey(key: Buffer, salt: string): void {
  try {
    if (decrypt(key, salt.split(':').slice(2).join(':')) === PROBE) return;
  } catch {
    // told below
  }
  throw wrongPassphrase();
}

/** The error for a passphrase that is not the one of the state. */
export function wrongPassphrase(): FailureError {
  return new FailureError(
    'InvalidInput',
    'the passphrase does not match the state of this stack: give the one it was created with',
  );
}

function encrypt(key: Buffer, text: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `v1:${nonce.toString('base64')}:${sealed.toString('base64')}`;
}

function decrypt(key: Buffer, ciphertext: string): string {
  const [version, nonce, sealed] = ciphertext.split(':');
  if (version !== 'v1' || nonce === undefined || sealed === undefined)
    throw new Error('not a value of the passphrase secrets provider');
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64'));
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  return Buffer.concat([
    decipher.update(bytes.subarray(0, bytes.length - TAG_BYTES)),
    decipher.final(),
  ]).toString('utf8');
}
