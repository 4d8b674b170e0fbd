/** Build contexts as tar streams. */
import { readFile, readlink } from 'node:fs/promises';
import { pack, type Pack } from 'tar-stream';

export interface ContextFile {
  /** Path in the context. */
  readonly name: string;
  /** Path on this machine, or the content itself. */
  readonly from: string | Buffer;
  readonly executable: boolean;
  readonly link?: string;
}

const EPOCH = new Date(0);

/**
 * An uncompressed tar of files. The first needs a short name in ASCII: BuildKit takes for a Dockerfile what its first 1,024 bytes
 * don't show to be an archive, and the header of any other name is longer (seen with Docker 20.10).
 */
export async function* packContext(files: readonly ContextFile[]): AsyncGenerator<Uint8Array> {
  const tar = pack();
  // Waits for each entry to be taken: a mirror's providers don't fit in memory together.
  const add = (header: Parameters<Pack['entry']>[0], content?: Buffer): Promise<void> =>
    new Promise((done, fail) => {
      const ended = (error?: Error | null): void => (error ? fail(error) : done());
      if (content === undefined) tar.entry(header, ended);
      else tar.entry(header, content, ended);
    });
  const writing = (async () => {
    for (const { name, from, executable, link } of files) {
      if (link !== undefined) {
        await add({ name, type: 'symlink', linkname: await linkOf(from, link), mtime: EPOCH });
        continue;
      }
      const content = typeof from === 'string' ? await readFile(from) : from;
      await add({ name, mode: executable ? 0o755 : 0o644, mtime: EPOCH }, content);
    }
    tar.finalize();
  })();
  writing.catch((error: unknown) => tar.destroy(error as Error));
  for await (const chunk of tar) yield chunk as Uint8Array;
  await writing;
}

async function linkOf(from: string | Buffer, known: string): Promise<string> {
  return typeof from === 'string' ? readlink(from) : known;
}
