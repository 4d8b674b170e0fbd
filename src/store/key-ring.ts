/** The master keys of an installation: one in use, older ones kept to read what they wrote. */
import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rename, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { CodedError } from '../errors.js';
import { storeError } from './store-error.js';
import { syncFolder, writeSynced } from './synced-files.js';

/** 32-byte keys by their id; `current` seals, all of them open. */
export interface KeyRing {
  readonly current: string;
  readonly keys: ReadonlyMap<string, Buffer>;
}

const KEY_BYTES = 32;
const ringSchema = z.strictObject({
  version: z.literal(1),
  current: z.string(),
  keys: z.record(z.string(), z.string()),
});

/** The id of a key: 16 hex digits that tell keys apart and say nothing about them. */
export function keyId(key: Uint8Array): string {
  return createHash('sha256')
    .update('cldctl-iac master key\0')
    .update(key)
    .digest('hex')
    .slice(0, 16);
}

/** A ring with one new random key. */
export function createKeyRing(): KeyRing {
  return addKey({ current: '', keys: new Map() });
}

/** A ring with a new random key in use and the former ones kept. */
export function addKey(ring: KeyRing): KeyRing {
  const key = randomBytes(KEY_BYTES);
  const id = keyId(key);
  return { current: id, keys: new Map([...ring.keys, [id, key]]) };
}

/** The ring as the text of a key file. */
export function formatKeyRing(ring: KeyRing): string {
  const keys = Object.fromEntries([...ring.keys].map(([id, key]) => [id, key.toString('base64')]));
  return `${JSON.stringify({ version: 1, current: ring.current, keys }, undefined, 2)}\n`;
}

/** Reads a key file's text: a ring, or one bare key of 32 bytes in base64 or hex. Throws `InvalidConfiguration`. */
export function parseKeyRing(text: string, where: string): KeyRing {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{')) {
    const encoding = /^[0-9a-fA-F]{64}$/.test(trimmed) ? 'hex' : 'base64';
    const key = keyOf(trimmed, encoding, where);
    return { current: keyId(key), keys: new Map([[keyId(key), key]]) };
  }
  let document: unknown;
  try {
    document = JSON.parse(trimmed);
  } catch {
    // The parser's message would quote the file.
    throw invalid(where, 'is not JSON');
  }
  const parsed = ringSchema.safeParse(document);
  if (!parsed.success) throw invalid(where, 'is not a key ring of version 1');
  const keys = new Map<string, Buffer>();
  for (const [id, encoded] of Object.entries(parsed.data.keys)) {
    const key = keyOf(encoded, 'base64', where);
    if (keyId(key) !== id) throw invalid(where, `holds an altered key ${id}`);
    keys.set(id, key);
  }
  if (!keys.has(parsed.data.current))
    throw invalid(where, 'lacks the key that it names as current');
  return { current: parsed.data.current, keys };
}

/** Reads a key file; undefined when it does not exist. Throws `InvalidConfiguration`. */
export async function readKeyFile(path: string): Promise<KeyRing | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw invalid(
      path,
      `can't be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
    );
  }
  return parseKeyRing(text, path);
}

/** Writes a new key file (0600) unless there is one; returns the ring that the file then holds. */
export async function createKeyFile(path: string): Promise<KeyRing> {
  await writeKeyFile(path, createKeyRing(), 'create');
  const ring = await readKeyFile(path);
  if (!ring) throw invalid(path, 'vanished while it was being created');
  return ring;
}

/**
 * Writes a key file (0600) atomically; with `create`, a file that exists is left as it is.
 * Throws `StoreUnavailable` when it can't be written.
 */
export async function writeKeyFile(
  path: string,
  ring: KeyRing,
  mode: 'create' | 'replace',
): Promise<void> {
  const target = resolve(path);
  const draft = `${target}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await writeSynced(draft, Buffer.from(formatKeyRing(ring)));
    await (mode === 'create' ? link(draft, target) : rename(draft, target));
    await syncFolder(dirname(target));
  } catch (error) {
    if (mode === 'create' && (error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw storeError(error, `the master key file ${target}`);
  } finally {
    await unlink(draft).catch(() => undefined);
  }
}

function keyOf(text: string, encoding: 'base64' | 'hex', where: string): Buffer {
  const key = Buffer.from(text, encoding);
  if (key.length !== KEY_BYTES) throw invalid(where, 'does not hold a key of 32 bytes');
  return key;
}

function invalid(where: string, why: string): CodedError {
  return new CodedError(
    'InvalidConfiguration',
    `the master key file ${where} ${why}: restore it from its backup or correct CLDCTL_MASTER_KEY_FILE`,
  );
}
