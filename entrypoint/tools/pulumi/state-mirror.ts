/** Keeps the snapshot file up to date while the CLI writes its own checkpoint. */
import { linkSync, renameSync, rmSync, statSync } from 'node:fs';

/** Copies the checkpoint to the snapshot when the CLI has replaced it; cheap when it has not. */
export type StateMirror = () => void;

/**
 * The CLI never writes into a checkpoint, it puts a new file in its place, so a hard link is a whole copy that never changes: a container
 * that is killed leaves a snapshot that is at most one poll old. For a moment there is no checkpoint (3.259.0 moves it to its backup
 * first): the next poll finds the new one.
 */
export function createStateMirror(checkpoint: string, snapshot: string): StateMirror {
  let seen = identity(checkpoint);
  return () => {
    const current = identity(checkpoint);
    if (current === undefined || current === seen) return;
    const next = `${snapshot}.next`;
    rmSync(next, { force: true });
    try {
      linkSync(checkpoint, next);
    } catch (error) {
      if (isMissing(error)) return;
      throw error;
    }
    renameSync(next, snapshot);
    seen = current;
  };
}

function identity(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? undefined : `${stat.ino}:${stat.mtimeMs}:${stat.size}`;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
