/** Opens the store of an installation: objects, keys and identity together. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CodedError } from '../errors.js';
import { createArtefacts, type Artefacts } from './artefacts.js';
import { encryptObjects, type EncryptedObjects, type KeySource } from './encrypted-objects.js';
import { openFileSystemStore } from './file-system.js';
import { createKeyFile, parseKeyRing, readKeyFile, type KeyRing } from './key-ring.js';
import type { ObjectStore } from './object-store.js';
import { readStackKeys, type StackKeys } from './stack-keys.js';

/** What a store is opened with. */
export interface StoreConfig {
  /** `file:///dir` or `s3://bucket/prefix?region=…&endpoint=…`. */
  readonly store: string;
  /** File with the master keys; default: `master-key` beside a file system store. */
  readonly masterKeyFile?: string | undefined;
  /** The master keys themselves, in the form of that file; wins over the file. */
  readonly masterKey?: string | undefined;
  /** Make a master key (0600) when there is none; only for a store that is new. Default false. */
  readonly allowCreate?: boolean | undefined;
}

/** An open store. */
export interface Store {
  /** Encrypted, verified on read. */
  readonly objects: EncryptedObjects;
  /** The same objects as they lie in the store. */
  readonly raw: ObjectStore;
  readonly artefacts: Artefacts;
  /** 12 hex digits, made once per store. */
  readonly installation: string;
  readonly keys: KeySource;
  /** Where the store is, without credentials. */
  readonly url: string;
  /** File that holds the master keys, unless they were given as text. */
  readonly masterKeyFile: string | undefined;
  /** Keys of a stack; read once per open store. */
  stackKey(stackId: string): Promise<StackKeys>;
  close(): void;
}

const INSTALLATION = 'installation';
/** Stacks whose keys are kept in memory. */
const CACHED_STACKS = 1000;

/**
 * Opens a store. Throws `InvalidConfiguration` for a bad URL or a missing or wrong master key,
 * `StoreUnavailable` when it can't be reached, `StateDamaged` when its identity was altered.
 */
export async function openStore(config: StoreConfig): Promise<Store> {
  const url = parseStoreUrl(config.store);
  const raw = await openObjects(url);
  const masterKeyFile =
    config.masterKey === undefined ? (config.masterKeyFile ?? defaultKeyFile(url)) : undefined;
  const keys = await openKeys(config, masterKeyFile, raw);
  return createStore({
    raw,
    keys,
    url: `${url.protocol}//${url.host}${url.pathname}`,
    masterKeyFile,
  });
}

/** The store over objects and keys that are open already. Throws what reading its identity throws. */
export async function createStore(
  parts: Pick<Store, 'raw' | 'keys' | 'url' | 'masterKeyFile'>,
): Promise<Store> {
  const objects = encryptObjects(parts.raw, parts.keys);
  const stacks = new Map<string, Promise<StackKeys>>();
  return {
    ...parts,
    objects,
    artefacts: createArtefacts(objects),
    installation: await readInstallation(objects),
    stackKey: (stackId) => {
      const known = stacks.get(stackId);
      if (known) return known;
      if (stacks.size >= CACHED_STACKS) stacks.clear();
      const opening = readStackKeys(objects, stackId);
      stacks.set(stackId, opening);
      opening.catch(() => stacks.delete(stackId));
      return opening;
    },
    close: () => parts.raw.close(),
  };
}

function parseStoreUrl(text: string): URL {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // Said below.
  }
  if (url?.protocol === 's3:' && url.host !== '') return url;
  if (url?.protocol === 'file:' && url.host === '') return url;
  throw new CodedError(
    'InvalidConfiguration',
    `CLDCTL_STORE must be file:///folder or s3://bucket/prefix, not ${url ? url.protocol : 'plain text'}`,
  );
}

async function openObjects(url: URL): Promise<ObjectStore> {
  if (url.protocol === 'file:') return openFileSystemStore(fileURLToPath(url));
  // The client library takes a tenth of a second to load: only who uses S3 pays.
  const { openS3Store } = await import('./s3.js');
  return openS3Store(url);
}

function defaultKeyFile(url: URL): string {
  if (url.protocol === 'file:') return join(fileURLToPath(url), '..', 'master-key');
  throw new CodedError(
    'InvalidConfiguration',
    'a store on S3 needs CLDCTL_MASTER_KEY_FILE: the file with its master key',
  );
}

async function openKeys(
  config: StoreConfig,
  file: string | undefined,
  raw: ObjectStore,
): Promise<KeySource> {
  const read = async (): Promise<KeyRing | undefined> =>
    file === undefined
      ? parseKeyRing(config.masterKey ?? '', 'CLDCTL_MASTER_KEY')
      : readKeyFile(file);
  const made = async (path: string): Promise<KeyRing> => {
    if (!config.allowCreate) {
      throw new CodedError(
        'InvalidConfiguration',
        `there is no master key at ${path}: set CLDCTL_MASTER_KEY_FILE to the file that holds it`,
      );
    }
    if (await raw.get(INSTALLATION)) {
      throw new CodedError(
        'InvalidConfiguration',
        `the store is encrypted but its master key ${path} is gone: restore it from its backup`,
      );
    }
    return createKeyFile(path);
  };
  let ring = (await read()) ?? (await made(file ?? ''));
  return {
    ring: () => ring,
    reload: async () => {
      ring = (await read()) ?? ring;
      return ring;
    },
  };
}

async function readInstallation(objects: ObjectStore): Promise<string> {
  const known = await objects.get(INSTALLATION);
  if (known) return Buffer.from(known).toString('utf8');
  const fresh = randomBytes(6).toString('hex');
  if (await objects.create(INSTALLATION, Buffer.from(fresh))) return fresh;
  return Buffer.from((await objects.get(INSTALLATION)) ?? []).toString('utf8');
}
