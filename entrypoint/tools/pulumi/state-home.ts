/** Where a stack's state is while an operation runs: a file backend made from the snapshot, or a backend elsewhere. */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { ModuleRequest } from '../../../src/contract/index.js';
import { workspacePath, type WorkspacePaths } from '../../locations.js';
import { stateBackend, type Backend } from './backend-url.js';
import { checkpointText, parseState, type StackState } from './checkpoint.js';
import { createStateMirror, type StateMirror } from './state-mirror.js';

/** `organization/PROJECT/STACK`; a backend of one's own knows no other organization. */
export interface StackName {
  readonly project: string;
  readonly stack: string;
  readonly full: string;
}

export interface StateHome {
  readonly backend: Backend;
  /** The snapshot's path below the workspace; undefined with a backend elsewhere. */
  readonly path: string | undefined;
  /** Reads the snapshot; undefined when the stack has no state. Only for a snapshot. */
  readSnapshot(): StackState | undefined;
  /** Takes over what the CLI has written. */
  readonly mirror: StateMirror;
}

/** Makes the file backend from the snapshot in the workspace, or names the backend of the state URL. Throws `StateDamaged`, `InvalidInput`. */
export function openStateHome(
  paths: WorkspacePaths,
  state: ModuleRequest['state'],
  name: StackName,
): StateHome {
  if (state !== undefined && 'url' in state)
    return {
      backend: stateBackend(state.url),
      path: undefined,
      readSnapshot: () => undefined,
      mirror: () => undefined,
    };
  const snapshot = state === undefined ? paths.state : workspacePath(paths, state.path);
  const root = join(paths.root, 'state', 'backend');
  const checkpoint = join(root, '.pulumi', 'stacks', name.project, `${name.stack}.json`);
  // What an earlier run left there is older than the snapshot, and its lock is nobody's.
  rmSync(root, { recursive: true, force: true });
  mkdirSync(dirname(checkpoint), { recursive: true, mode: 0o700 });
  mkdirSync(dirname(snapshot), { recursive: true, mode: 0o700 });
  // Where a worker that finds the volume of a killed run looks: what the mirror has may be one poll older.
  const live = join(paths.root, 'state', 'live');
  rmSync(live, { force: true });
  symlinkSync(relative(dirname(live), dirname(checkpoint)), live);
  writeFileSync(join(root, '.pulumi', 'meta.yaml'), 'version: 1\n');
  const text = existsSync(snapshot) ? readFileSync(snapshot, 'utf8') : '';
  writeFileSync(checkpoint, checkpointText(name.full, text === '' ? undefined : text), {
    mode: 0o600,
  });
  return {
    backend: { url: `file://${root}`, environment: {} },
    path: relative(paths.root, snapshot),
    readSnapshot: () => {
      const content = existsSync(snapshot) ? readFileSync(snapshot, 'utf8') : '';
      return content === '' ? undefined : parseState(content);
    },
    mirror: createStateMirror(checkpoint, snapshot),
  };
}
