import { renameSync, rmSync, writeFileSync } from 'node:fs';
import type { WorkspacePaths } from '../locations.js';

/**
 * Writes `output.json` so that it is there whole or not at all. A full disk gets a second try after what is no longer needed
 * was removed. Returns why it could not be written, if so.
 */
export function writeOutput(
  paths: WorkspacePaths,
  text: string,
  dispensable: readonly string[],
): NodeJS.ErrnoException | undefined {
  const first = tryWrite(paths, text);
  if (first?.code !== 'ENOSPC' && first?.code !== 'EDQUOT') return first;
  for (const path of dispensable) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // The second try tells.
    }
  }
  return tryWrite(paths, text);
}

function tryWrite(paths: WorkspacePaths, text: string): NodeJS.ErrnoException | undefined {
  const partial = `${paths.output}.${process.pid}.tmp`;
  try {
    writeFileSync(partial, text, { mode: 0o600 });
    renameSync(partial, paths.output);
    return undefined;
  } catch (error) {
    try {
      rmSync(partial, { force: true });
    } catch {
      // Nothing can be written here at all.
    }
    return error as NodeJS.ErrnoException;
  }
}
