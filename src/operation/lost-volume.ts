/** What the working volume of a lost run holds: journal, sealed answer, and the state that the tool left. */
import { ANSWER_PATH, JOURNAL_PATH, parseJournal, type JournalLine } from '../contract/journal.js';
import type { Engine as ToolName } from '../contract/module-schema.js';
import { openFrame, type Frame } from '../contract/sealed-frame.js';
import type { Engine } from '../docker/engine.js';
import { readVolumeFiles } from '../docker/read-files.js';
import { describeState, type StateDescription } from '../state/describe.js';

const STATE = 'state/state';
/** Where OpenTofu puts a state that it could not save. */
const EMERGENCY = 'module/errored.tfstate';
/** Pulumi's own checkpoint, which can be a moment newer than the snapshot that is made of it. */
const live = (stackId: string): string => `state/live/${stackId}.json`;

export interface LostVolume {
  readonly journal?: JournalLine[] | undefined;
  /** The run's answer, as it was sealed by the entrypoint. */
  readonly frame?: Frame | undefined;
  /** The newest whole state; a truncated one is worth nothing. */
  readonly state?: LostState | undefined;
}

export interface LostState {
  readonly bytes: Uint8Array;
  readonly description: StateDescription;
}

/** Reads the volume; what is missing, or can't be read, is left out. */
export async function readLostVolume(
  engine: Engine,
  place: {
    readonly volume: string;
    readonly image: string;
    readonly stackId: string;
    readonly tool: ToolName;
    readonly sealKey: Uint8Array;
  },
): Promise<LostVolume> {
  const { stackId, tool, sealKey } = place;
  const states = tool === 'pulumi' ? [live(stackId), STATE] : [EMERGENCY, STATE];
  const files = await readVolumeFiles(engine, place, [ANSWER_PATH, JOURNAL_PATH, ...states]);
  if (files === undefined) return {};
  const journal = files[JOURNAL_PATH];
  const answer = files[ANSWER_PATH];
  return {
    journal: journal && parseJournal(journal.toString('utf8')),
    frame: answer && tryOpen(answer.toString('utf8'), sealKey),
    state: newest(states.flatMap((path) => wholeState(tool, files[path]) ?? [])),
  };
}

function wholeState(tool: ToolName, bytes: Buffer | undefined): LostState | undefined {
  if (bytes === undefined) return undefined;
  try {
    return { bytes, description: describeState(tool, bytes) };
  } catch {
    return undefined;
  }
}

/** The one with the highest serial, where the tool counts; else the first. */
function newest(states: readonly LostState[]): LostState | undefined {
  return states.reduce<LostState | undefined>((best, state) => {
    const newer = (state.description.serial ?? 0) > (best?.description.serial ?? 0);
    return best === undefined || newer ? state : best;
  }, undefined);
}

/** The module could have written there too: only what opens under this run's key counts. */
function tryOpen(sealed: string, key: Uint8Array): Frame | undefined {
  try {
    return openFrame(sealed, key);
  } catch {
    return undefined;
  }
}
