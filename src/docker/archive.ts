/** Tar archives as the engine takes and gives them. */
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import * as tar from 'tar-stream';
import { piecesOf, sizeOf, type Content } from '../content.js';
import { CodedError } from '../errors.js';

/** One entry of an archive that we send. */
export interface ArchiveEntry {
  readonly name: string;
  readonly bytes?: Content | string;
  readonly type?: 'file' | 'directory';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Packs entries as an uncompressed tar; folders that names imply are added once, owned as the file is. */
export async function packArchive(entries: Iterable<ArchiveEntry>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of streamArchive(entries)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** What `packArchive` makes, in pieces; it ends with an error, and without its end marker, when a content does. */
export async function* streamArchive(entries: Iterable<ArchiveEntry>): AsyncGenerator<Buffer> {
  const pack = tar.pack();
  fill(pack, entries).then(
    () => pack.finalize(),
    (error: unknown) => pack.destroy(error as Error),
  );
  yield* pack as AsyncIterable<Buffer>;
}

async function fill(pack: tar.Pack, entries: Iterable<ArchiveEntry>): Promise<void> {
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
    else await addFile(pack, { name, mtime: EPOCH, ...owner }, bytes ?? '');
  }
}

async function addFile(
  pack: tar.Pack,
  header: Omit<ArchiveEntry, 'bytes' | 'type'> & { readonly mtime: Date },
  bytes: Content | string,
): Promise<void> {
  const content = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  const entry = pack.entry({
    ...header,
    type: 'file',
    size: sizeOf(content),
  }) as unknown as Writable;
  const closed = once(entry, 'close');
  closed.catch(() => undefined);
  for await (const piece of piecesOf(content)) {
    if (!entry.write(piece)) await Promise.race([once(entry, 'drain'), closed]);
    // Nobody reads the archive any more.
    if (entry.destroyed) break;
  }
  entry.end();
  await closed;
}

const EPOCH = new Date(0);

/** Reads what `streamSingleFile` gives, whole. */
export async function readSingleFile(
  ...[archive, path, maxBytes]: Parameters<typeof streamSingleFile>
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of streamSingleFile(archive, path, maxBytes)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/**
 * Reads the one regular file of an archive made by `getArchive` (which comes from inside a container: not trusted), in pieces.
 * Throws `InvalidOutput` when the entry is a link or folder, there is more than one, or it is larger than `maxBytes`.
 */
export async function* streamSingleFile(
  archive: NodeJS.ReadableStream,
  path: string,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  const extract = tar.extract();
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
      yield* entry as AsyncIterable<Buffer>;
    }
  } finally {
    source.destroy();
  }
  if (found === 0) throw refuse('is missing from its archive');
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
