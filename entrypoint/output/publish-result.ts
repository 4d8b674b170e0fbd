import { rmSync } from 'node:fs';
import { EXIT, stringifyJson, type ModuleResponse } from '../../src/contract/index.js';
import { FRAME_LIMIT } from '../../src/contract/sealed-frame.js';
import type { WorkspacePaths } from '../locations.js';
import type { EventStream } from './event-stream.js';
import { resultFrame } from './result-frame.js';
import { keepSealedCopy } from './sealed-copy.js';
import { writeOutput } from './write-output.js';

/**
 * Writes `output.json` and, when the request brought a key, the sealed frame as the last line of stdout; returns the exit code.
 * Where the file can't be written the answer goes to stdout, without the values of sensitive outputs, and the code is 74.
 */
export async function publishResult(result: {
  readonly paths: WorkspacePaths;
  readonly response: ModuleResponse;
  readonly exitCode: number;
  /** A state that could be written nowhere. */
  readonly rescuedState: Buffer | undefined;
  readonly sealKey: string | undefined;
  readonly events: EventStream;
}): Promise<number> {
  const { paths, response, events } = result;
  endOtherProcesses();
  removeSecrets(paths);
  const text = stringifyJson(response);
  const error = writeOutput(paths, text, [paths.home]);
  const exitCode = error === undefined ? result.exitCode : EXIT.outputNotWritten;
  if (error !== undefined) {
    const reason = `output.json could not be written: ${error.message}`;
    events.emit({
      type: 'output',
      output: {
        ...response,
        outputs: publicOutputs(response),
        notices: [...(response.notices ?? []), reason],
      },
    });
  }
  if (result.sealKey !== undefined) {
    const sealed = resultFrame(response, text, exitCode, { ...result, key: result.sealKey });
    if (sealed !== undefined) {
      if (response.action !== 'preview') keepSealedCopy(paths.sealedAnswer, sealed);
      if (sealed.length <= FRAME_LIMIT) events.emit({ type: 'result', sealed });
    }
  }
  await events.flush();
  return exitCode;
}

/** A volume outlives its container: inputs and credentials don't stay in it. */
function removeSecrets(paths: WorkspacePaths): void {
  for (const path of [paths.credentials, paths.temporary]) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // A workspace that can't be written can't be cleaned.
    }
  }
}

/** What the module left running could change the answer; as PID 1 we end it first. */
function endOtherProcesses(): void {
  if (process.pid !== 1) return;
  try {
    process.kill(-1, 'SIGKILL');
  } catch {
    // Nothing else runs.
  }
}

function publicOutputs(response: ModuleResponse): ModuleResponse['outputs'] {
  return Object.fromEntries(
    Object.entries(response.outputs).map(([name, output]) => [
      name,
      output.sensitive === true ? { value: { $sensitive: true }, sensitive: true } : output,
    ]),
  );
}
