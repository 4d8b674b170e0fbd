/** Executes requests in module images, with no Temporal in sight. */
import { randomBytes } from 'node:crypto';
import { loadConfig, type Config } from '../config.js';
import type { EntrypointEvent } from '../contract/event.js';
import { engineSchema } from '../contract/module-schema.js';
import { moduleRequestSchema, type ModuleRequest } from '../contract/request.js';
import type { ModuleResponse } from '../contract/response.js';
import { CONTRACT_VERSION } from '../contract/version.js';
import { connectEngine, type Engine } from '../docker/engine.js';
import { findImage } from '../docker/find-image.js';
import { removeRun } from '../docker/inspect-run.js';
import { createLabels, LABEL } from '../docker/labels.js';
import { resolveLimits, type ModuleRun, type ResolvedLimits } from '../docker/module-run.js';
import { pullImage } from '../docker/push.js';
import { imageAuth } from '../docker/image-auth.js';
import { readRunFiles } from '../docker/read-files.js';
import { runModule } from '../docker/run-module.js';
import { socketGroupId } from '../docker/socket-group.js';
import { CodedError } from '../errors.js';
import { wholeAnswer } from '../plan/whole-answer.js';
import { describeState } from '../state/describe.js';
import { dockerEnvironment } from '../setup/setup-settings.js';
import { openStore, type Store } from '../store/open-store.js';
import { openStandaloneState, type StandaloneState } from './standalone-state.js';

export interface ExecutorOptions {
  /** Default: the engine that the docker command would use. */
  readonly engine?: Engine;
  /** Default: read from this process's environment. */
  readonly config?: Config;
}

export interface ExecuteOptions {
  readonly image: string;
  readonly request: ModuleRequest;
  /** Secret environment of the tool. */
  readonly credentials?: Readonly<Record<string, string>>;
  /** A file, or the URL of a backend; default: kept in the store under the request's `stack_name`. */
  readonly state?: string;
  readonly limits?: { [K in keyof ResolvedLimits]?: ResolvedLimits[K] };
  /** Give the module the socket of this machine's engine. */
  readonly dockerSocket?: boolean;
  /** Fires: one SIGINT, five minutes, SIGKILL; the answer is still returned. */
  readonly signal?: AbortSignal;
  readonly onLog?: (line: string) => void;
  readonly onEvent?: (event: EntrypointEvent) => void;
}

export interface Executor {
  /**
   * Runs one request and returns the module's answer, with all changes and all drift inline, failures of the module included. Throws `InvalidInput`,
   * `ModuleNotFound`, `InvalidModule`, `InvalidOutput`, `StateLocked`, `DockerUnavailable`, …
   */
  execute(options: ExecuteOptions): Promise<ModuleResponse>;
  close(): Promise<void>;
}

const STATE_PATH = 'state/state';
const GRACE_MS = 5 * 60_000;
const RUN_TIMEOUT_MS = 60 * 60_000;
const DEFAULT_SOCKET = '/var/run/docker.sock';

/** Makes an executor; throws `DockerUnavailable`. */
export async function createExecutor(options: ExecutorOptions = {}): Promise<Executor> {
  const config = options.config ?? loadConfig(process.env);
  const engine =
    options.engine ?? (await connectEngine({ environment: dockerEnvironment(config) }));
  let opening: Promise<Store> | undefined;
  const store = (): Promise<Store> =>
    (opening ??= openStore({
      store: config.store,
      masterKeyFile: config.masterKeyFile,
      allowCreate: true,
    }));
  return {
    execute: (execute) => executeOne(engine, config, store, execute),
    close: async () => (await opening)?.close(),
  };
}

async function executeOne(
  engine: Engine,
  config: Config,
  store: () => Promise<Store>,
  options: ExecuteOptions,
): Promise<ModuleResponse> {
  const given = parseRequest(options.request);
  const signal = options.signal ?? new AbortController().signal;
  const labels = await imageLabels(engine, config, options.image, signal);
  const stack = given.stack_name ?? 'default';
  const state = await openStandaloneState(options.state, stack, store);
  const name = `cldctl-exec-${randomBytes(8).toString('hex')}`;
  try {
    const sealed = labels[LABEL.contract] !== undefined;
    // An image that we built has our entrypoint even when its own Dockerfile made it one of the seed's form.
    const known = sealed || labels[LABEL.sourceDigest] !== undefined;
    const needsKeys = labels[LABEL.engine] === 'pulumi' && given.passphrase === undefined;
    const request: ModuleRequest = {
      ...given,
      ...(known
        ? {
            contract: CONTRACT_VERSION,
            stack_name: stack,
            state: state.url === undefined ? { path: STATE_PATH } : { url: state.url },
          }
        : {}),
      ...(sealed ? { seal_key: randomBytes(32).toString('base64') } : {}),
      ...(needsKeys
        ? { passphrase: await (await (await store()).stackKey(stack)).pulumiPassphrase() }
        : {}),
      ...(options.credentials === undefined ? {} : { credentials: { ...options.credentials } }),
    };
    const run: ModuleRun = {
      image: options.image,
      name,
      labels: createLabels({ purpose: 'exec', stackId: stack }),
      request,
      files: state.bytes === undefined ? {} : { [STATE_PATH]: state.bytes },
      workspace: { kind: 'anonymous' },
      limits: resolveLimits(options.limits),
      ...(options.dockerSocket === true
        ? { dockerSocket: await socket(engine, config, options.image) }
        : {}),
      stopGraceMs: GRACE_MS,
      runTimeoutMs: RUN_TIMEOUT_MS,
    };
    const mutates = given.action !== 'preview';
    try {
      const { response, files } = await runModule(engine, run, {
        signal,
        onEvent: (event) => {
          options.onEvent?.(event);
          if (event.type === 'log') options.onLog?.(event.message);
        },
      });
      if (files.state !== undefined && mutates) await state.save(files.state);
      return await wholeAnswer(response, files);
    } catch (error) {
      // A tool that was killed or whose answer is no answer has still done something.
      if (mutates && state.url === undefined) await harvest(engine, name, labels, stack, state);
      throw error;
    }
  } finally {
    await removeRun(engine, name).catch(() => undefined);
    await state.release();
  }
}

/** Saves the state that a run without an answer left, when it is whole. */
async function harvest(
  engine: Engine,
  container: string,
  labels: Readonly<Record<string, string>>,
  stack: string,
  state: StandaloneState,
): Promise<void> {
  const live = `state/live/${stack}.json`;
  const files = await readRunFiles(engine, container, [live, STATE_PATH]).catch(
    (): Record<string, Buffer> => ({}),
  );
  const left = files[live] ?? files[STATE_PATH];
  const tool = engineSchema.safeParse(labels[LABEL.engine]).data;
  if (left === undefined || tool === undefined) return;
  try {
    describeState(tool, left);
  } catch {
    return;
  }
  await state.save(left);
}

function parseRequest(request: ModuleRequest): ModuleRequest {
  const parsed = moduleRequestSchema.safeParse(request);
  if (parsed.success) return request;
  const issues = parsed.error.issues.map((issue) =>
    issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`,
  );
  throw new CodedError('InvalidInput', `request: ${issues.join('; ')}`, { detail: { issues } });
}

async function imageLabels(
  engine: Engine,
  config: Config,
  image: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  let found = await findImage(engine, image);
  if (found === undefined) {
    const auth = await imageAuth(image, config.docker.environment);
    await pullImage(engine, { reference: image, auth }, { signal, platform: engine.platform });
    found = await findImage(engine, image);
  }
  return found?.labels ?? {};
}

async function socket(
  engine: Engine,
  config: Config,
  image: string,
): Promise<NonNullable<ModuleRun['dockerSocket']>> {
  const path =
    config.dockerSocketGrant ??
    (engine.host.startsWith('unix://') ? engine.host.slice('unix://'.length) : DEFAULT_SOCKET);
  return { path, groupId: await socketGroupId(engine, path, image) };
}
