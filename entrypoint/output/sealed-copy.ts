import { closeSync, fdatasyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

/** Puts the sealed answer where it outlives the container, whole or not at all; without it the journal tells. */
export function keepSealedCopy(path: string, sealed: string): void {
  const partial = `${path}.tmp`;
  try {
    const descriptor = openSync(partial, 'w', 0o600);
    try {
      const bytes = Buffer.from(sealed);
      for (let offset = 0; offset < bytes.length;)
        offset += writeSync(descriptor, bytes, offset, bytes.length - offset);
      fdatasyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(partial, path);
  } catch {
    rmSync(partial, { force: true });
  }
}
