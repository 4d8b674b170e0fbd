/** Keeps the snapshot file up to date while the CLI writes its own checkpoint. */
import { existsSync, linkSync, renameSync, rmSync, statSync } from 'node:fs';

/** Copies the checkpoint to the snapshot when the CLI has replaced it; cheap when it has not. */
export type StateMirror = () => void;

/**
 * The CLI replaces its checkpoint by renaming a new file over it, so a hard link is a whole copy that never changes: a container that is
 * killed leaves a snapshot that is at most one poll old.
 */
export function createStateMirror(checkpoint: string, snapshot: string): StateMirror {
  let seen = identity(checkpoint);
  return () => {
    const current = identity(checkpoint);
    if (current === undefined || current === seen) return;
    const next = `${snapshot}.next`;
    rmSync(next, { force: true });
    linkSync(checkpoint, next);
    renameSync(next, snapshot);
    seen = current;
  };
}

function identity(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const { ino, mtimeMs, size } = statSync(path);
  return `${ino}:${mtimeMs}:${size}`;
}
