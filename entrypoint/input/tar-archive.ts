/** A file of a tar archive. */
export interface TarFile {
  readonly path: string;
  readonly content: Buffer;
}

const BLOCK = 512;

/**
 * Reads the files of a whole tar archive (ustar, with pax and GNU long names). Undefined when the end marker (two empty blocks) is
 * missing: the archive did not arrive whole. What comes after the marker is padding.
 */
export function readTar(archive: Buffer): TarFile[] | undefined {
  const files: TarFile[] = [];
  let longName: string | undefined;
  for (let offset = 0; offset + 2 * BLOCK <= archive.length;) {
    const header = archive.subarray(offset, offset + BLOCK);
    if (isEmpty(header))
      return isEmpty(archive.subarray(offset + BLOCK, offset + 2 * BLOCK)) ? files : undefined;
    const size = number(header.subarray(124, 136));
    const start = offset + BLOCK;
    if (start + size > archive.length) return undefined;
    const content = archive.subarray(start, start + size);
    const kind = String.fromCharCode(header[156] ?? 0);
    if (kind === 'x') longName = paxPath(content) ?? longName;
    else if (kind === 'L') longName = text(content);
    else {
      if (kind === '0' || kind === '\0') files.push({ path: longName ?? name(header), content });
      longName = undefined;
    }
    offset = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}

function isEmpty(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

function text(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? field.length : end);
}

function number(field: Buffer): number {
  // Base-256 form of sizes from 8 GiB is not for us.
  return Number.parseInt(text(field).trim() || '0', 8);
}

function name(header: Buffer): string {
  const prefix = text(header.subarray(345, 500));
  const base = text(header.subarray(0, 100));
  return prefix === '' ? base : `${prefix}/${base}`;
}

function paxPath(content: Buffer): string | undefined {
  return /(?:^|\n)\d+ path=(.*)\n/.exec(content.toString('utf8'))?.[1];
}
