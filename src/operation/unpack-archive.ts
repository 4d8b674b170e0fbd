/** A module archive (tar, gzipped or not) as a directory. */
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, symlink } from 'node:fs/promises';
import { dirname, isAbsolute, normalize, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { CodedError } from '../errors.js';

/** Most bytes of an unpacked archive: 1 GiB. */
const LIMIT = 1024 ** 3;

/** Unpacks files, directories and links that stay inside. Throws `InvalidInput` for anything else. */
export async function unpackArchive(bytes: Uint8Array, directory: string): Promise<void> {
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const tar = gzipped ? gunzipSync(bytes, { maxOutputLength: LIMIT }) : Buffer.from(bytes);
  const entries = extract();
  const reading = pipeline(Readable.from([tar]), entries);
  for await (const entry of entries) {
    const { name, type, mode = 0o644, linkname } = entry.header;
    const path = inside(name);
    if (type === 'directory') {
      await mkdir(resolve(directory, path), { recursive: true });
      entry.resume();
      continue;
    }
    await mkdir(dirname(resolve(directory, path)), { recursive: true });
    if (type === 'symlink') {
      inside(normalize(`${dirname(path)}/${linkname ?? ''}`));
      if (isAbsolute(linkname ?? '/')) throw leaving(name);
      await symlink(linkname ?? '', resolve(directory, path));
      entry.resume();
    } else if (type === 'file' || type === 'contiguous-file') {
      await pipeline(entry, createWriteStream(resolve(directory, path)));
      await chmod(resolve(directory, path), mode & 0o755);
    } else {
      throw new CodedError(
        'InvalidInput',
        `module.archive: ${name} is a ${type ?? 'special file'}; only files, directories and links are taken`,
      );
    }
  }
  await reading;
}

function inside(name: string): string {
  const path = normalize(name);
  if (isAbsolute(path) || path === '..' || path.startsWith('../')) throw leaving(name);
  return path;
}

function leaving(name: string): CodedError {
  return new CodedError('InvalidInput', `module.archive: ${name} leads out of the archive`);
}
