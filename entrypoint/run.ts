import {
  actionSchema,
  CONTRACT_VERSION,
  EXIT,
  parseJson,
  type Action,
  type Failure,
  type Json,
  type ModuleRequest,
  type ModuleResponse,
} from '../src/contract/index.js';
import { readDescription } from './describe-module.js';
import { failureOf, FailureError } from './failure-error.js';
import { checkInputs } from './input/check-inputs.js';
import { readInputFile, readInputStream } from './input/read-input.js';
import { validateRequest } from './input/validate-request.js';
import { workspacePaths, type Locations } from './locations.js';
import type { EventStream } from './output/event-stream.js';
import { noJournal, openJournal } from './output/journal.js';
import { publishResult } from './output/publish-result.js';
import { imageEnvironment, toolEnvironment } from './process/environment.js';
import type { Interruption } from './process/interruption.js';
import type { NativeCalls } from './process/native.js';
import { createRunCommand } from './process/run-command.js';
import { createRedactor, type Redactor } from './redact/redactor.js';
import { mapStrings } from './redact/redact-json.js';
import { addRequestSecrets } from './redact/request-secrets.js';
import { createTimings, type Timings } from './timings.js';
import { findModule } from './tools/index.js';
import type { EngineTool } from './tools/tool.js';

/** What a run needs from the process it is in. */
export interface RunDependencies {
  readonly locations: Locations;
  readonly tools: readonly EngineTool[];
  readonly environment: NodeJS.ProcessEnv;
  /** Standard input with the request as a tar, or undefined: the request is in the workspace. */
  readonly input: NodeJS.ReadableStream | undefined;
  readonly inputDeadline?: number;
  readonly events: EventStream;
  readonly interruption: Interruption;
  readonly native: NativeCalls;
}

/** Does one request from input to result; returns the exit code. The answer is written whatever happens. */
export async function runRequest(deps: RunDependencies): Promise<number> {
  const paths = workspacePaths(deps.locations.workspace);
  const redactor = createRedactor();
  const timings = createTimings();
  let text = '';
  let request: ModuleRequest | undefined;
  let response: ModuleResponse;
  let incomplete = false;
  let rescued: Buffer | undefined;
  try {
    const input = await timings.measure('input', async () =>
      deps.input === undefined
        ? readInputFile(paths)
        : readInputStream(paths, deps.input, deps.inputDeadline),
    );
    if (input === 'incomplete') {
      incomplete = true;
      throw new FailureError('InvalidInput', 'the input did not arrive whole; nothing was run');
    }
    text = input.text;
    request = validateRequest(text);
    response = await runTool(deps, request, redactor, timings, (state) => {
      rescued = state;
    });
  } catch (error) {
    response = failed(actionIn(text), failureOf(error));
  }
  const { success, action, outputs, ...rest } = redactAnswer(response, redactor);
  return publishResult({
    paths,
    response: {
      success,
      action,
      outputs,
      ...rest,
      contract: CONTRACT_VERSION,
      timings: timings.all(),
    },
    exitCode: incomplete ? EXIT.inputIncomplete : exitCode(response, deps.interruption),
    rescuedState: rescued,
    sealKey: request?.seal_key,
    events: deps.events,
  });
}

async function runTool(
  deps: RunDependencies,
  request: ModuleRequest,
  redactor: Redactor,
  timings: Timings,
  rescueState: (state: Buffer) => void,
): Promise<ModuleResponse> {
  const { locations, interruption, native } = deps;
  const paths = workspacePaths(locations.workspace);
  // Whoever can open the answer is who looks for it when the container is gone.
  const kept = request.action !== 'preview' && request.seal_key !== undefined;
  const journal = kept ? openJournal(paths.journal) : noJournal;
  const events = journal.watch(deps.events);
  const description = readDescription(locations.description);
  addRequestSecrets(redactor, request, description);
  if (description !== undefined) checkInputs(request, description);
  const { tool, directory } = findModule(deps.tools, locations.modules);
  return tool.run(
    {
      locations,
      paths,
      moduleDirectory: directory,
      description,
      environment: toolEnvironment(imageEnvironment(deps.environment), request, paths),
      events,
      redactor,
      interruption,
      run: createRunCommand({ temporary: paths.temporary, interruption, native }),
      timings,
      journal,
      rescueState,
    },
    request,
  );
}

function failed(action: Action, failure: Failure): ModuleResponse {
  return { success: false, action, outputs: {}, failure };
}

/** The action that an invalid request meant, as far as that can be told. */
function actionIn(text: string): Action {
  try {
    return actionSchema.parse((parseJson(text) as { action?: unknown }).action);
  } catch {
    return 'preview';
  }
}

/** The one-line `error`, with secrets removed from every text of the failure. */
function redactAnswer(response: ModuleResponse, redactor: Redactor): ModuleResponse {
  if (response.failure === undefined) return response;
  const failure = mapStrings(response.failure as unknown as Json, (text) =>
    redactor.text(text),
  ) as unknown as Failure;
  return { ...response, failure, error: `${failure.code}: ${failure.message}` };
}

function exitCode(response: ModuleResponse, interruption: Interruption): number {
  if (response.success) return EXIT.success;
  return interruption.requested ? EXIT.interrupted : EXIT.failure;
}
