import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as tar from 'tar-stream';

/** One file of a build context: its path inside, and where its bytes come from. */
export interface ContextFile {
  name: string;
  source: string;
  executable?: boolean;
}

/** Packs the files of `images/<folder>` that are named, plus files from elsewhere, as an uncompressed tar with fixed times and owners. */
export function buildContext(
  folder: string,
  names: readonly string[],
  more: readonly ContextFile[] = [],
): Readable {
  const pack = tar.pack();
  const files = [
    ...names.map((name): ContextFile => ({ name, source: join(folder, name) })),
    ...more,
  ];
  const write = async (): Promise<void> => {
    for (const file of files) {
      const header = { name: file.name, mode: file.executable ? 0o755 : 0o644, mtime: new Date(0) };
      const { size } = await stat(file.source);
      if (size < 1 << 20) {
        pack.entry(header, await readFile(file.source));
      } else {
        const entry = pack.entry({ ...header, size });
        await pipeline(createReadStream(file.source), entry);
      }
    }
    pack.finalize();
  };
  write().catch((error: unknown) => pack.destroy(error as Error));
  return Readable.from(pack);
}

/** All files below a directory as context files below `name`; links are followed. */
export async function contextTree(name: string, directory: string): Promise<ContextFile[]> {
  const files: ContextFile[] = [];
  for (const entry of (await readdir(directory)).sort()) {
    const source = join(directory, entry);
    const found = await stat(source);
    if (found.isDirectory()) files.push(...(await contextTree(`${name}/${entry}`, source)));
    else files.push({ name: `${name}/${entry}`, source, executable: (found.mode & 0o100) !== 0 });
  }
  return files;
}
