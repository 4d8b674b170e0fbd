/** Where a worker finds secret values: variables it was allowed to pass on, and a folder of files. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../errors.js';
import { isSecretName } from './references.js';

/** One place that may know a secret. */
export interface SecretSource {
  /** For error messages, e.g. `the folder /run/secrets`. */
  readonly label: string;
  /** The value, or undefined when this source does not know the name. */
  get(name: string): Promise<string | undefined>;
}

/** Largest secret, in bytes. */
export const SECRET_LIMIT = 1024 * 1024;

/** Variables of the worker whose names are on the allow-list; no other can be read by a request. */
export function environmentSource(
  env: Readonly<Record<string, string | undefined>>,
  allowed: readonly string[],
): SecretSource {
  const names = new Set(allowed);
  return {
    label: "the worker's environment (CLDCTL_SECRETS_ENV)",
    get: async (name) => (names.has(name) && Object.hasOwn(env, name) ? env[name] : undefined),
  };
}

/** A folder with one file per secret; one line break at the end of a file is not part of the value. */
export function directorySource(folder: string): SecretSource {
  return {
    label: `the folder ${folder} (CLDCTL_SECRETS_DIR)`,
    get: async (name) => {
      if (!isSecretName(name)) return undefined;
      const text = await readSecretFile(join(folder, name), name);
      return text?.replace(/\r?\n$/, '');
    },
  };
}

/** The first source's value. Throws `SecretNotFound`, naming where it was looked for. */
export async function resolveSecret(
  sources: readonly SecretSource[],
  name: string,
): Promise<string> {
  for (const source of sources) {
    const value = await source.get(name);
    if (value !== undefined) return value;
  }
  const places =
    sources.map((source) => source.label).join(' and ') || 'nowhere: no source is configured';
  throw new CodedError('SecretNotFound', `there is no secret ${name}: looked in ${places}`);
}

/** A file's text; undefined when it does not exist. Throws `SecretNotFound` when it can't be read as a secret. */
export async function readSecretFile(path: string, name: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw unreadable(name, 'it is no file');
    if (found.size > SECRET_LIMIT)
      throw unreadable(name, `it is larger than ${SECRET_LIMIT} bytes`);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(path));
  } catch (error) {
    if (error instanceof CodedError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unreadable(
      name,
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8 text' : (code ?? 'failed'),
    );
  }
}

function unreadable(name: string, why: string): CodedError {
  return new CodedError('SecretNotFound', `secret ${name} can't be used: ${why}`);
}
