/** Tar archives as the engine takes and gives them. */
import type { Readable } from 'node:stream';
import * as tar from 'tar-stream';
import { CodedError } from '../errors.js';

/** One entry of an archive that we send. */
export interface ArchiveEntry {
  readonly name: string;
  readonly bytes?: Uint8Array | string;
  readonly type?: 'file' | 'directory';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Packs entries as an uncompressed tar; folders that names imply are added once, owned as the file is. */
export async function packArchive(entries: Iterable<ArchiveEntry>): Promise<Buffer> {
  const pack = tar.pack();
  const folders = new Set<string>();
  const addFolder = (name: string, owner: Omit<ArchiveEntry, 'name'>): void => {
    if (folders.has(name)) return;
    folders.add(name);
    pack.entry({ name: `${name}/`, type: 'directory', mtime: EPOCH, ...owner });
  };
  for (const { name, bytes, type = 'file', ...owner } of entries) {
    const parts = name.replace(/\/$/, '').split('/');
    for (let depth = 1; depth < parts.length; depth += 1) {
      const mode = owner.mode | ((owner.mode & 0o444) >> 2);
      addFolder(parts.slice(0, depth).join('/'), { ...owner, mode });
    }
    if (type === 'directory') addFolder(parts.join('/'), owner);
    else pack.entry({ name, type, mtime: EPOCH, ...owner }, Buffer.from(bytes ?? ''));
  }
  pack.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of pack) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const EPOCH = new Date(0);

/**
 * Reads the one regular file of an archive made by `getArchive` (which comes from inside a container: not trusted).
 * Throws `InvalidOutput` when the entry is a link or folder, there is more than one, or it is larger than `maxBytes`.
 */
export async function readSingleFile(
  archive: NodeJS.ReadableStream,
  path: string,
  maxBytes: number,
): Promise<Buffer> {
  const extract = tar.extract();
  const chunks: Buffer[] = [];
  let found = 0;
  const refuse = (reason: string): CodedError =>
    new CodedError('InvalidOutput', `${path} in the container ${reason}`);
  const source = archive as Readable;
  source.on('error', (error) => extract.destroy(error));
  source.pipe(extract as unknown as NodeJS.WritableStream);
  try {
    for await (const entry of extract) {
      found += 1;
      if (found > 1) throw refuse('is more than one file');
      if (entry.header.type !== 'file') throw refuse(`is a ${entry.header.type}, not a file`);
      if ((entry.header.size ?? 0) > maxBytes) throw refuse(`is larger than ${maxBytes} bytes`);
      for await (const chunk of entry) chunks.push(chunk as Buffer);
    }
  } finally {
    source.destroy();
  }
  if (found === 0) throw refuse('is missing from its archive');
  return Buffer.concat(chunks);
}

/** Reads the header of an archive's first entry and nothing more. Throws `InvalidOutput` when it has none. */
export async function readFirstHeader(archive: Readable): Promise<tar.Header> {
  const extract = tar.extract();
  archive.on('error', (error) => extract.destroy(error));
  archive.pipe(extract as unknown as NodeJS.WritableStream);
  try {
    for await (const entry of extract) return entry.header;
  } finally {
    archive.destroy();
  }
  throw new CodedError('InvalidOutput', 'an archive of the engine is empty');
}
