/** Turning what a container left into a result: the sealed frame, the files, or the line that says why not. */
import type { Content } from '../content.js';
import { EXIT } from '../contract/event.js';
import { parseJsonFast } from '../contract/json.js';
import { moduleResponseSchema, type ModuleResponse } from '../contract/response.js';
import type { Frame } from '../contract/sealed-frame.js';
import { CodedError } from '../errors.js';
import type { Engine } from './engine.js';
import type { RunInspection } from './inspect-run.js';
import type { ModuleRun, ModuleRunResult } from './module-run.js';
import { openContainerFile, readContainerFile } from './read-files.js';

/** As much of a run as its answer is held against. */
type AskedRun = Pick<ModuleRun, 'image'> & {
  readonly request: Pick<ModuleRun['request'], 'action'>;
};

type Collected = Pick<ModuleRunResult, 'response' | 'files' | 'exitCode' | 'collectedBy'>;

/** Most bytes of `output.json`; a plan or state may be larger. */
const OUTPUT_LIMIT = 128 * 1024 * 1024;

/** Reads the opened frame. */
export function collectFrame(run: AskedRun, frame: Frame): Collected {
  const { 'output.json': output, plan, state, changes, drift } = frame.files;
  if (output === undefined) throw invalid(run, 'its result frame has no output.json');
  return {
    response: readResponse(
      run,
      Buffer.from(output).toString('utf8'),
      // The answer was sealed before it could not be written: the code says nothing about it.
      frame.exitCode === EXIT.outputNotWritten ? undefined : frame.exitCode,
    ),
    files: {
      ...(plan === undefined ? {} : { plan }),
      ...(state === undefined ? {} : { state }),
      ...(changes === undefined ? {} : { changes }),
      ...(drift === undefined ? {} : { drift }),
    },
    exitCode: frame.exitCode,
    collectedBy: 'frame',
  };
}

/** What the lines of an ended container told, beside its frame. */
export interface Printed {
  /** The answer in clear, when `/workspace` could not be written. */
  readonly output?: unknown;
  /** Last lines, for the error. */
  readonly tail: readonly string[];
  readonly killed: boolean;
}

/** Reads the answer out of an ended container. Throws the coded reason when there is none. */
export async function collectFiles(
  engine: Engine,
  run: ModuleRun,
  ended: RunInspection,
  printed: Printed,
): Promise<Collected> {
  const exitCode = ended.exitCode ?? -1;
  const detail = { exitCode, logTail: printed.tail.join('\n') };
  if (exitCode === EXIT.inputIncomplete) {
    throw new CodedError(
      'ContainerLost',
      'the input did not reach the container whole; nothing was run, try again',
      { detail },
    );
  }
  if (exitCode === EXIT.outputNotWritten && printed.output !== undefined) {
    return {
      response: parseResponse(run, printed.output),
      files: await readNamed(engine, ended.id, undefined),
      exitCode,
      collectedBy: 'archive',
    };
  }
  const bytes = await readContainerFile(engine, ended.id, '/workspace/output.json', OUTPUT_LIMIT);
  if (bytes === undefined) throw noAnswer(run, ended, printed, detail);
  const response = readResponse(run, bytes.toString('utf8'), exitCode);
  return {
    response,
    files: await readNamed(engine, ended.id, response),
    exitCode,
    collectedBy: 'archive',
  };
}

async function readNamed(
  engine: Engine,
  id: string,
  response: ModuleResponse | undefined,
): Promise<ModuleRunResult['files']> {
  const named = {
    plan: response?.plan?.path,
    state: response?.state?.path,
    changes: response?.changes_file?.path,
    drift: response?.drift_file?.path,
  };
  const files: { -readonly [Name in keyof typeof named]?: Content } = {};
  for (const [name, path] of Object.entries(named) as [keyof typeof named, string?][]) {
    if (path === undefined) continue;
    if (path.startsWith('/') || path.split('/').includes('..')) {
      throw new CodedError('InvalidOutput', `the answer names a ${name} file outside /workspace`);
    }
    const content = await openContainerFile(engine, id, `/workspace/${path}`);
    if (content !== undefined) files[name] = content;
  }
  return files;
}

/** Reads `output.json`; exit code and answer count only together, because a module can replace the file. */
function readResponse(run: AskedRun, text: string, exitCode: number | undefined): ModuleResponse {
  let parsed: unknown;
  try {
    parsed = parseJsonFast(text);
  } catch (cause) {
    throw invalid(run, `output.json is not JSON: ${(cause as Error).message}`, cause);
  }
  const response = parseResponse(run, parsed);
  const agree =
    exitCode === undefined ||
    (exitCode === EXIT.success
      ? response.success
      : exitCode === EXIT.failure
        ? !response.success
        : exitCode === EXIT.interrupted);
  if (!agree) {
    throw invalid(
      run,
      `exit code ${exitCode} and output.json (success: ${response.success}) don't agree; neither is believed`,
    );
  }
  return response;
}

function parseResponse(run: AskedRun, value: unknown): ModuleResponse {
  const result = moduleResponseSchema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw invalid(
      run,
      `output.json is not an answer: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    );
  }
  if (result.data.action !== run.request.action) {
    throw invalid(
      run,
      `output.json answers ${result.data.action}, asked was ${run.request.action}`,
    );
  }
  return result.data;
}

function noAnswer(
  run: ModuleRun,
  ended: RunInspection,
  printed: Printed,
  detail: NonNullable<CodedError['detail']>,
): CodedError {
  if (printed.killed) {
    return new CodedError(
      'OutcomeUnknown',
      'the tool did not end within its grace after SIGINT and was killed; it left no answer',
      { detail },
    );
  }
  if (ended.oomKilled) {
    return new CodedError(
      'ModuleFailed',
      `the container ran out of memory (limit ${run.limits.memory} bytes) and left no answer; raise limits.memory`,
      { detail },
    );
  }
  if (ended.exitCode === 137) {
    return new CodedError('ContainerLost', 'the container was killed and left no answer', {
      detail,
    });
  }
  return new CodedError(
    'InvalidOutput',
    `the container ended with exit code ${ended.exitCode ?? 'unknown'} and left no /workspace/output.json`,
    { detail },
  );
}

function invalid(run: AskedRun, reason: string, cause?: unknown): CodedError {
  return new CodedError('InvalidOutput', `image ${run.image}: ${reason}`, { cause });
}
