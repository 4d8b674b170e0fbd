import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import {
  stringifyJson,
  type ModuleResponse,
  type ResponseState,
} from '../../../src/contract/index.js';
import type { Session } from './session.js';
import { readStateFile, readStateText, type StateFile, type StateSummary } from './state-file.js';

/** Reads the state: the file, or through the backend. `interruptible` false: also after a stop was asked for. */
export async function readState(
  session: Session,
  options: { interruptible: boolean },
): Promise<StateFile> {
  const { context, copy } = session;
  if (!copy.localState) return pullState(session, options.interruptible);
  return context.timings.measure('state', async () => readStateFile(context.paths.state));
}

/** The outputs, also of an encrypted state; one that holds a secret of the request is sensitive, whatever the module says. */
export async function withOutputs(
  session: Session,
  state: StateSummary,
): Promise<ModuleResponse['outputs']> {
  const { redactor } = session.context;
  const outputs = state.outputs ?? (await pulledOutputs(session));
  return Object.fromEntries(
    Object.entries(outputs).map(([name, output]) => [
      name,
      redactor.matches(stringifyJson(output.value)) ? { ...output, sensitive: true } : output,
    ]),
  );
}

async function pulledOutputs(session: Session): Promise<ModuleResponse['outputs']> {
  const pulled = await pullState(session, false);
  return typeof pulled === 'string' ? {} : (pulled.outputs ?? {});
}

/** How an answer tells a state; `file` null: it is in no file. */
export function stateAnswer(
  session: Session,
  state: StateFile,
  file?: string | null,
): ResponseState | undefined {
  if (state === 'damaged') return undefined;
  if (state === 'none') return { fingerprint: null };
  const { fingerprint, serial, lineage, resources } = state;
  const { paths } = session.context;
  const usual = session.copy.localState ? paths.state : null;
  const path = file === undefined ? usual : file;
  return {
    fingerprint,
    serial,
    lineage,
    resources,
    ...(path === null ? {} : { path: relative(paths.root, path) }),
  };
}

async function pullState(session: Session, interruptible: boolean): Promise<StateFile> {
  const captureTo = join(session.context.paths.temporary, 'pulled.tfstate');
  const end = await session.tofu({
    step: 'state',
    arguments: ['state', 'pull'],
    captureTo,
    interruptible,
  });
  return end.exitCode === 0 ? readStateText(readFileSync(captureTo, 'utf8')) : 'damaged';
}
