/** Everything the steps of one request share. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModuleRequest, ResponseState } from '../../../src/contract/index.js';
import type { PulumiProject } from '../../../src/contract/pulumi-project.js';
import { FailureError } from '../../failure-error.js';
import { TOOL_VERSION_FILE, workspacePath } from '../../locations.js';
import type { ToolContext } from '../tool.js';
import { countResources, pendingOperations, type StackState } from './checkpoint.js';
import { createCli, type Cli, type CliEnd } from './cli.js';
import { cliEnvironment } from './cli-environment.js';
import type { CommandLineOptions, Mutation } from './command-line.js';
import { renderConfigFile } from './config-file.js';
import { classifyFailure, parseLockHolder } from './failure.js';
import { writeImportFile } from './import-file.js';
import { inputsDigest, readPlan, type PulumiPlan } from './plan-file.js';
import { readProject } from './project-file.js';
import { exportState } from './remote-state.js';
import { createStackSecrets, saltOf, type StackSecrets } from './stack-secrets.js';
import { openStateHome, type StackName, type StateHome } from './state-home.js';

export interface Session {
  readonly context: ToolContext;
  readonly request: ModuleRequest;
  readonly action: Mutation;
  readonly project: PulumiProject;
  readonly name: StackName;
  readonly home: StateHome;
  readonly cli: Cli;
  readonly secrets: StackSecrets;
  /** State at the start; undefined when there is none. */
  readonly state: StackState | undefined;
  /** The approved plan. */
  readonly plan: PulumiPlan | undefined;
  readonly line: CommandLineOptions;
  /** HMAC that stands for the inputs. */
  readonly inputs: string;
  readonly notices: string[];
}

/** Folder of the plugins that an image brings, below what `prepare` leaves. */
export const PLUGIN_HOME = 'pulumi';

/** Makes everything ready for a command. Throws `FailureError` before anything was changed. */
export async function openSession(context: ToolContext, request: ModuleRequest): Promise<Session> {
  const { paths, moduleDirectory, redactor, timings } = context;
  const project = readProject(moduleDirectory);
  const name = stackName(project, request);
  const action = request.action === 'preview' ? (request.preview_of ?? 'apply') : request.action;
  const plan =
    request.plan === undefined
      ? undefined
      : readPlan(workspacePath(paths, request.plan.path), {
          digest: request.plan.digest,
          action,
          stack: name.full,
        });
  const { passphrase, notices } = passphraseOf(context, request);
  redactor.add(passphrase);
  const secrets = createStackSecrets(passphrase);
  const inputs = inputsDigest(request, passphrase);
  if (plan !== undefined && request.inputs !== undefined && plan.inputs !== inputs)
    throw new FailureError(
      'PlanStale',
      'the inputs are not those of the approved plan: preview again',
    );

  const home = await timings.measure('state', async () =>
    openStateHome(paths, request.state, name),
  );
  const cli = createCli(context, environmentOf(context, home, passphrase));
  const state =
    home.path === undefined ? await exportState(context, cli, name) : home.readSnapshot();
  checkFingerprint(request.state?.fingerprint, state);
  if (plan !== undefined) checkPlan(plan, request, state);
  if (state !== undefined) await secrets.redactState(state.deployment, redactor);

  const configFile = join(paths.temporary, `Pulumi.${name.stack}.json`);
  const salt = saltOf(state?.deployment);
  const config =
    plan?.config ??
    (await renderConfigFile({
      project,
      inputs: request.inputs ?? {},
      secretInputs: request.secret_inputs ?? [],
      salt,
      encryption: () => secrets.encryption(salt),
    }));
  writeFileSync(configFile, config, { mode: 0o600 });
  const updatePlan = join(paths.temporary, 'update-plan.json');
  if (plan?.updatePlan !== undefined) writeFileSync(updatePlan, plan.updatePlan, { mode: 0o600 });
  const imports = plan?.imports ?? request.imports ?? [];
  return {
    context,
    request,
    action,
    project,
    name,
    home,
    cli,
    secrets,
    state,
    plan,
    inputs,
    notices,
    line: {
      executable: 'pulumi',
      stack: name.full,
      configFile,
      options: plan?.options ?? request.options ?? {},
      updatePlan,
      ...(action === 'import'
        ? { importFile: writeImportFile(paths, imports, state?.deployment) }
        : {}),
      clearPendingCreates: pendingOperations(state?.deployment ?? {}).length > 0,
    },
  };
}

/** Reads the state after a command; undefined when there is none. */
export async function readState(
  session: Pick<Session, 'cli' | 'context' | 'name' | 'home'>,
): Promise<StackState | undefined> {
  if (session.home.path === undefined)
    return exportState(session.context, session.cli, session.name);
  session.home.mirror();
  return session.home.readSnapshot();
}

/** How an answer tells a state. */
export function stateAnswer(
  session: Pick<Session, 'home'>,
  state: StackState | undefined,
): ResponseState {
  const { path } = session.home;
  if (state === undefined) return { fingerprint: null };
  const pending = pendingOperations(state.deployment);
  return {
    fingerprint: state.fingerprint,
    resources: countResources(state.deployment),
    ...(path === undefined ? {} : { path }),
    ...(pending.length === 0 ? {} : { pending }),
  };
}

/** The parts of an answer that every failed command gives. */
export function failedAnswer(
  session: Session,
  end: CliEnd,
): { failure: ReturnType<typeof classifyFailure>; lock?: NonNullable<ResponseState['lock']> } {
  const failure = classifyFailure(end.failed);
  if (session.context.interruption.requested)
    return {
      failure: {
        ...failure,
        message: `interrupted: ${failure.message}`,
        detail: { ...failure.detail, interrupted: true },
      },
    };
  const lock =
    failure.code === 'StateLocked' ? parseLockHolder(end.failed.standardError) : undefined;
  return { failure, ...(lock === undefined ? {} : { lock }) };
}

/** Version of the CLI: from the image's build, else asked for. */
export async function toolVersion(context: ToolContext, cli: Cli): Promise<string> {
  const baked = join(context.locations.prepared, TOOL_VERSION_FILE);
  if (existsSync(baked)) return readFileSync(baked, 'utf8').trim();
  const captureTo = join(context.paths.temporary, 'version');
  await cli({
    step: 'version',
    argv: ['pulumi', 'version'],
    cwd: context.moduleDirectory,
    captureTo,
  });
  return readFileSync(captureTo, 'utf8').trim().replace(/^v/, '');
}

function stackName({ name: project }: PulumiProject, request: ModuleRequest): StackName {
  const stack = request.stack_name ?? 'default';
  if (!/^[A-Za-z0-9_.-]{1,100}$/.test(stack))
    throw new FailureError(
      'InvalidInput',
      `stack_name "${stack}" is not a name Pulumi takes: letters, digits, "_", "-" and ".", at most 100`,
    );
  return { project, stack, full: `organization/${project}/${stack}` };
}

/** Never on a command line, and as a file rather than a variable: a program's own programs would inherit it. */
function passphraseOf(
  context: ToolContext,
  request: ModuleRequest,
): { passphrase: string; notices: string[] } {
  const given = request.passphrase ?? context.environment['PULUMI_CONFIG_PASSPHRASE'];
  if (given !== undefined) return { passphrase: given, notices: [] };
  return {
    passphrase: '',
    notices: ['no passphrase was given: secrets in the state are encrypted with an empty one'],
  };
}

function environmentOf(
  context: ToolContext,
  home: StateHome,
  passphrase: string,
): Record<string, string> {
  const { paths, locations, environment } = context;
  const passphraseFile = join(paths.temporary, 'passphrase');
  writeFileSync(passphraseFile, passphrase, { mode: 0o600 });
  const baked = join(locations.prepared, PLUGIN_HOME);
  const plugins = existsSync(baked) ? baked : join(paths.home, '.pulumi');
  return cliEnvironment(
    { ...environment, ...home.backend.environment },
    { home: plugins, backendUrl: home.backend.url, passphraseFile },
  );
}

function checkFingerprint(
  expected: string | null | undefined,
  state: StackState | undefined,
): void {
  const found = state?.fingerprint ?? null;
  if (expected === undefined || expected === found) return;
  throw new FailureError(
    'PlanStale',
    `the state moved: expected ${expected ?? 'none'}, found ${found ?? 'none'}: preview again`,
  );
}

function checkPlan(plan: PulumiPlan, request: ModuleRequest, state: StackState | undefined): void {
  checkFingerprint(plan.fingerprint, state);
  const expected = request.plan?.tool_version;
  if (expected !== undefined && expected !== plan.toolVersion)
    throw new FailureError(
      'PlanStale',
      `the plan was made by Pulumi ${plan.toolVersion}, not ${expected}: preview again`,
    );
}
