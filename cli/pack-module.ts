/** A module directory as one archive, the same bytes for the same files. */
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { CodedError } from '../src/errors.js';

/** Never part of a module: history, and what the build installs anew. */
const LEFT_OUT = new Set(['.git', '.terraform', 'node_modules', '.venv', '__pycache__']);
/** Most bytes of an archive before compression: 256 MiB. */
const LIMIT = 256 * 1024 * 1024;
const EPOCH = new Date(0);

/** Packs files, directories and links as a gzipped tar, sorted and without times or owners. Throws `InvalidModule` when it is too large. */
export async function packModule(directory: string): Promise<Buffer> {
  const tar = pack();
  const chunks: Buffer[] = [];
  tar.on('data', (chunk) => chunks.push(chunk as Buffer));
  const ended = new Promise<void>((resolve, reject) => tar.on('end', resolve).on('error', reject));
  let total = 0;
  for await (const path of filesBelow(directory)) {
    const name = relative(directory, path);
    const found = await lstat(path);
    if (found.isSymbolicLink()) {
      tar.entry({ name, type: 'symlink', linkname: await readlink(path), mtime: EPOCH });
      continue;
    }
    total += found.size;
    if (total > LIMIT)
      throw new CodedError(
        'InvalidModule',
        `${directory} is larger than 256 MiB; build an image with "cldctl-iac build" and name that`,
      );
    const mode = (found.mode & 0o111) === 0 ? 0o644 : 0o755;
    tar.entry({ name, mode, mtime: EPOCH }, await readFile(path));
  }
  tar.finalize();
  await ended;
  return gzipSync(Buffer.concat(chunks));
}

async function* filesBelow(directory: string): AsyncGenerator<string> {
  const entries = await readdir(directory, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (LEFT_OUT.has(entry.name)) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile() || entry.isSymbolicLink()) yield path;
  }
}
