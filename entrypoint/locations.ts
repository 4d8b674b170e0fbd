import { join } from 'node:path';
import { ANSWER_PATH, JOURNAL_PATH } from '../src/contract/journal.js';
import { FailureError } from './failure-error.js';

/** File below `Locations.prepared` with the version of the tool in the image. */
export const TOOL_VERSION_FILE = 'tool-version';

/** Where things are in a module container; tests give other places. */
export interface Locations {
  /** The one writable place. */
  readonly workspace: string;
  /** Directories that may hold the module, the first with a module in it counts. */
  readonly modules: readonly string[];
  /** What `prepare` wrote about the module. */
  readonly description: string;
  /** What `prepare` left for the runs: providers, tool settings, tool version. */
  readonly prepared: string;
}

/** Places inside the workspace. */
export interface WorkspacePaths {
  readonly root: string;
  readonly input: string;
  readonly output: string;
  readonly plan: string;
  readonly changes: string;
  readonly drift: string;
  readonly state: string;
  /** `TMPDIR`; short, because providers put unix sockets in it. */
  readonly temporary: string;
  readonly home: string;
  /** Writable copy of the module, working directory of the tool. */
  readonly module: string;
  readonly credentials: string;
  /** What a mutation did so far, for who finds the volume without its container. */
  readonly journal: string;
  /** Sealed copy of a mutation's answer. */
  readonly sealedAnswer: string;
}

/** The places of a run, below a workspace directory. */
export function workspacePaths(root: string): WorkspacePaths {
  return {
    root,
    input: join(root, 'input.json'),
    output: join(root, 'output.json'),
    plan: join(root, 'plan', 'plan'),
    changes: join(root, 'plan', 'changes.ndjson'),
    drift: join(root, 'plan', 'drift.ndjson'),
    state: join(root, 'state', 'state'),
    temporary: join(root, 'tmp'),
    home: join(root, 'home'),
    module: join(root, 'module'),
    credentials: join(root, 'credentials'),
    journal: join(root, JOURNAL_PATH),
    sealedAnswer: join(root, ANSWER_PATH),
  };
}

/** A path of the request, below the workspace. Throws `InvalidInput` when it leads out of it. */
export function workspacePath(paths: WorkspacePaths, path: string): string {
  const target = join(paths.root, path);
  if (!target.startsWith(`${paths.root}/`))
    throw new FailureError(
      'InvalidInput',
      `"${path}" leads out of the workspace: send a relative path`,
    );
  return target;
}
