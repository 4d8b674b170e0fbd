/** Bytes by key: the one interface that the file system and S3 stand behind. */
import type { Content } from '../content.js';
import { CodedError } from '../errors.js';

/** What a listing says of one object; `modified` is the store's own clock. */
export interface ObjectInfo {
  readonly key: string;
  /** Bytes as stored. */
  readonly size: number;
  readonly modified: Date;
}

/**
 * A store of whole objects. Keys are `/`-separated, and no key is also the folder of another.
 * Every method throws `StoreUnavailable` when the store is full, read-only, denied or away;
 * what a method reported as written is durable.
 */
export interface ObjectStore {
  /** The object's bytes, or undefined when there is none. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** The object to be read in pieces, or undefined when there is none; each reading opens it anew, and throws as a method does. */
  open(key: string): Promise<Content | undefined>;
  /** Writes an object that does not exist yet, atomically; false when there is one already. What the content throws is thrown, and nothing is written. */
  create(key: string, content: Content): Promise<boolean>;
  /** Writes or replaces an object, atomically. */
  put(key: string, content: Content): Promise<void>;
  /** Removes an object; one that does not exist is no error. A crash may bring it back. */
  delete(key: string): Promise<void>;
  /** Objects whose key starts with `prefix`, in the byte order of their stored keys. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  close(): void;
}

/** Largest length of one segment of a key, in bytes of its stored form. */
export const SEGMENT_LIMIT = 200;

const PLAIN = /^[a-z0-9_-][a-z0-9._-]*$/;

/**
 * The form of a key that every store can hold: segments of `a-z 0-9 . _ -`, everything else as `%xx`.
 * Upper case is escaped too, so that keys stay apart on file systems that ignore case.
 */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeSegment).join('/');
}

/** Turns `encodeKey` round. */
export function decodeKey(stored: string): string {
  return decodeURIComponent(stored);
}

function encodeSegment(segment: string): string {
  const encoded = PLAIN.test(segment)
    ? segment
    : [...Buffer.from(segment, 'utf8')].map(encodeByte).join('').replace(/^\./, '%2e');
  if (encoded === '' || encoded.length > SEGMENT_LIMIT) {
    throw new CodedError(
      'InvalidInput',
      `a name in the store must have 1 to ${SEGMENT_LIMIT} bytes, got ${encoded.length}: use a shorter one`,
    );
  }
  return encoded;
}

function encodeByte(byte: number): string {
  const char = String.fromCharCode(byte);
  return /[a-z0-9._-]/.test(char) ? char : `%${byte.toString(16).padStart(2, '0')}`;
}
