/** What stores say when they fail, as coded errors that name cause and next step. */
import { CodedError } from '../errors.js';

const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: 'is full: free space on its disk',
  EDQUOT: 'is full: its quota is used up',
  EROFS: 'is read-only: mount it writable',
  EACCES: 'may not be read or written by this user: correct its permissions',
  EPERM: 'may not be read or written by this user: correct its permissions',
  EIO: 'has a failing disk',
  EMFILE: 'could not open a file: too many are open in this process',
  ENFILE: 'could not open a file: too many are open on this machine',
  ENOTDIR: 'has a file where a folder belongs',
};

/** `StoreUnavailable` for anything a file system or an S3 client threw at `place`, e.g. `the store at /x`; coded errors pass unchanged. */
export function storeError(error: unknown, place: string): CodedError {
  if (error instanceof CodedError) return error;
  const code = (error as { code?: string } | null)?.code ?? '';
  const message = error instanceof Error ? error.message : String(error);
  const cause = CAUSES[code] ?? `failed: ${message.split('\n')[0] ?? ''}`;
  return new CodedError('StoreUnavailable', `${place} ${cause}`, { cause: error });
}

/** `StateDamaged` for an object that is there but not as it was written. */
export function damagedObject(key: string, why: string, cause?: unknown): CodedError {
  return new CodedError(
    'StateDamaged',
    `stored object ${key} is damaged (${why}): restore it from a backup of the store`,
    { cause },
  );
}
