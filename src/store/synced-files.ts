/** Writes that are on the disk, not only in its cache, when they return. */
import { open } from 'node:fs/promises';
import { piecesOf, type Content } from '../content.js';

/** Writes a new file (0600) and syncs it. */
export async function writeSynced(path: string, content: Content): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const piece of piecesOf(content)) await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Syncs the names in a folder. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
