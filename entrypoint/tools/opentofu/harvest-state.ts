import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Failure } from '../../../src/contract/index.js';
import type { Session } from './session.js';
import { readState } from './state-access.js';
import { readStateFile, readStateText, type StateFile, type StateSummary } from './state-file.js';
import type { TofuEnd } from './tofu.js';

/** The state after an apply. */
export interface Harvest {
  readonly state: StateFile;
  /** Where it is when that is not the usual place; null: nowhere but in the result frame. */
  readonly file?: string | null;
  /** True when the tool could not write its state and it was saved from its emergency copy. */
  readonly recovered: boolean;
  /** Why there is no state to trust. */
  readonly failure?: Failure;
}

const ERRORED_STATE = 'errored.tfstate';

/** Finds the state that counts: the tool's emergency copy when it left one, else the file or backend. A damaged file is never returned. */
export async function harvestState(session: Session, end: TofuEnd): Promise<Harvest> {
  const { paths } = session.context;
  const emergency = emergencyCopy(join(paths.module, ERRORED_STATE), end.stream.emergencyState);
  if (emergency !== undefined) {
    const file = save(session, emergency.text) ? paths.state : (emergency.file ?? null);
    if (file === null) session.context.rescueState(Buffer.from(emergency.text));
    const found = { state: emergency.state, file, recovered: true };
    return session.copy.localState
      ? found
      : {
          ...found,
          failure: damaged(
            'the state could not be written to its backend: it is in the answer, push it before anything else',
          ),
        };
  }
  const state = await readState(session, { interruptible: false });
  if (state !== 'damaged') return { state, recovered: false };
  const text = session.copy.localState
    ? 'the state file is cut off and the tool left no emergency copy: restore the last snapshot and refresh'
    : 'the state could not be read back from its backend: look into it before the next operation';
  return { state, recovered: false, failure: damaged(text) };
}

interface EmergencyCopy {
  readonly text: string;
  readonly state: StateSummary;
  /** Absent when the tool could only print it. */
  readonly file?: string;
}

function emergencyCopy(path: string, dumped: string | undefined): EmergencyCopy | undefined {
  if (existsSync(path)) {
    const state = readStateFile(path);
    if (typeof state !== 'string') return { text: readFileSync(path, 'utf8'), state, file: path };
  }
  if (dumped === undefined) return undefined;
  const state = readStateText(dumped);
  return typeof state === 'string' ? undefined : { text: dumped, state };
}

/** Puts the state where the next run finds it. A full disk is the usual reason: what is no longer needed makes room. */
function save(session: Session, text: string): boolean {
  const { paths } = session.context;
  const dispensable = [
    `${paths.state}.backup`,
    dirname(paths.plan),
    join(paths.module, '.terraform'),
    paths.temporary,
    paths.home,
  ];
  for (const path of [undefined, ...dispensable]) {
    try {
      if (path !== undefined) rmSync(path, { recursive: true, force: true });
      mkdirSync(dirname(paths.state), { recursive: true, mode: 0o700 });
      writeFileSync(`${paths.state}.new`, text, { mode: 0o600 });
      renameSync(`${paths.state}.new`, paths.state);
      return true;
    } catch {
      rmSync(`${paths.state}.new`, { force: true });
    }
  }
  return false;
}

function damaged(message: string): Failure {
  return { code: 'StateDamaged', message };
}
