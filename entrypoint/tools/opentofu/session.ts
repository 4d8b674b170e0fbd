import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type {
  Failure,
  ModuleDescription,
  ModuleRequest,
  ModuleResponse,
} from '../../../src/contract/index.js';
import { checkInputs } from '../../input/check-inputs.js';
import { FailureError } from '../../failure-error.js';
import type { ToolContext } from '../tool.js';
import { TOOL_VERSION_FILE } from '../../locations.js';
import { TOOL_SETTINGS } from './prepared.js';
import { classifyFailure, lockHolder } from './failure.js';
import { describeOpentofuModule } from './describe.js';
import { refusedVariables } from './tool-environment.js';
import { createTofu, type Tofu, type TofuEnd } from './tofu.js';
import { variableArguments } from './variables.js';
import { createWorkingCopy, type WorkingCopy } from './working-copy.js';

/** Everything the steps of one request share. */
export interface Session {
  readonly context: ToolContext;
  readonly request: ModuleRequest;
  readonly copy: WorkingCopy;
  readonly tofu: Tofu;
  readonly variables: readonly string[];
  readonly notices: string[];
}

/** Makes the working copy ready for `plan` and `apply`; a failure of `init` comes back as the answer. */
export async function openSession(
  context: ToolContext,
  request: ModuleRequest,
): Promise<Session | { readonly failure: Failure }> {
  const { paths, timings, moduleDirectory } = context;
  const copy = await timings.measure('copy', async () =>
    createWorkingCopy(moduleDirectory, paths, request),
  );
  const tofu = createTofu(context, {
    ...providerSettings(context.locations.prepared),
    ...copy.backend?.environment,
  });
  const prepared = context.description !== undefined;
  const notices = [
    // What a build has to say is that it overrides the backend.
    ...(copy.backend === undefined ? [] : (context.description?.notices ?? [])),
    ...refusedVariables({ ...request.environment, ...request.credentials }).map(
      (name) => `environment variable ${name} is not passed on: inputs and options say the same`,
    ),
  ];
  if (!prepared || copy.backend === undefined) {
    const lock = prepared ? ['-lockfile=readonly'] : [];
    const end = await tofu({
      step: 'init',
      arguments: ['init', '-input=false', '-no-color', '-reconfigure', ...lock],
    });
    if (end.exitCode !== 0) return { failure: classifyFailure('init', end) };
  }
  if (copy.backend === undefined) refuseLocalState(paths.module);
  const description = context.description ?? (await describeUnprepared(context, tofu));
  checkInputs(request, description);
  return {
    context,
    request,
    copy,
    tofu,
    notices,
    variables: variableArguments(paths, request, description),
  };
}

/** The version of the tool: from the image's build, else asked for. */
export async function toolVersion(session: Session): Promise<string | undefined> {
  const { context, tofu } = session;
  const baked = join(context.locations.prepared, TOOL_VERSION_FILE);
  if (existsSync(baked)) return readFileSync(baked, 'utf8').trim();
  const captureTo = join(context.paths.temporary, 'version.json');
  await tofu({ step: 'version', arguments: ['version', '-json'], captureTo });
  const { terraform_version: version } = JSON.parse(readFileSync(captureTo, 'utf8')) as {
    terraform_version?: string;
  };
  return version;
}

/** The parts of an answer that every failed command gives. */
export function failedAnswer(
  session: Session,
  step: string,
  end: TofuEnd,
): Pick<ModuleResponse, 'failure' | 'state'> {
  const holder = lockHolder(end.stream.diagnostics, {
    host: hostname(),
    since: new Date(performance.timeOrigin),
  });
  const failure = classifyFailure(step, end);
  if (session.context.interruption.requested)
    return {
      failure: {
        ...failure,
        message: `interrupted: ${failure.message}`,
        detail: { ...failure.detail, interrupted: true },
      },
    };
  if (failure.code !== 'StateLocked') return { failure };
  if (holder === undefined)
    return {
      failure: {
        ...failure,
        message:
          'the state is locked, and its backend does not say by whom: wait, or give options.lock_timeout',
      },
    };
  return {
    failure: {
      ...failure,
      message: `the state is locked by ${holder.who} since ${holder.created ?? 'an unknown time'}: wait, or give options.lock_timeout`,
    },
    state: { fingerprint: null, lock: holder },
  };
}

/** An `init` at run time finds the image's providers and asks nobody else. */
function providerSettings(prepared: string): Record<string, string> {
  const file = join(prepared, TOOL_SETTINGS);
  return existsSync(file) ? { TF_CLI_CONFIG_FILE: file } : {};
}

/** A kept backend that is a file has it in the container, and nobody would have it after that. */
function refuseLocalState(module: string): void {
  const data = join(module, '.terraform', 'terraform.tfstate');
  const { backend } = existsSync(data)
    ? (JSON.parse(readFileSync(data, 'utf8')) as { backend?: { type: string } })
    : {};
  if (backend !== undefined && backend.type !== 'local') return;
  throw new FailureError(
    'InvalidInput',
    `options.keep_backend: the module has ${backend === undefined ? 'no backend block' : 'backend "local"'}, so its state would be gone with the container: leave keep_backend out`,
  );
}

async function describeUnprepared(context: ToolContext, tofu: Tofu): Promise<ModuleDescription> {
  const captureTo = join(context.paths.temporary, 'module.json');
  const end = await tofu({
    step: 'describe',
    arguments: ['show', '-json', '-module=.'],
    captureTo,
  });
  return describeOpentofuModule(
    readFileSync(captureTo, 'utf8'),
    context.paths.module,
    end.errorText,
  );
}
