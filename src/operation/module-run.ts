/** The container run of a step: what previews and mutations have in common. */
import type { Content } from '../content.js';
import type { Change } from '../contract/change.js';
import { milliseconds } from '../contract/duration.js';
import type { OperationInput } from '../contract/operation.js';
import type { EngineOptions, ModuleRequest } from '../contract/request.js';
import { runTimes } from '../contract/run-times.js';
import { createLabels } from '../docker/labels.js';
import { resolveLimits, type ModuleRun } from '../docker/module-run.js';
import { socketGroupId } from '../docker/socket-group.js';
import { CodedError } from '../errors.js';
import type { OperationDependencies } from './dependencies.js';
import type { RunInputs } from './run-inputs.js';
import type { Mutation, ResolvedImage } from './types.js';

/** Where a snapshot lies below `/workspace`. */
const STATE_PATH = 'state/state';

/** The options of an operation in the form that a request takes and an approval covers. */
export function engineOptions(options: OperationInput['options'] = {}): EngineOptions {
  const { targets, replace, parallelism, refresh, lockTimeout, keepBackend } = options;
  return defined({
    targets,
    replace,
    parallelism,
    refresh,
    lock_timeout:
      lockTimeout === undefined ? undefined : Math.ceil(milliseconds(lockTimeout) / 1000),
    keep_backend: keepBackend,
  });
}

export interface RunParts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string | undefined>>;
  readonly workspace: ModuleRun['workspace'];
  readonly stackId: string;
  readonly operation: Mutation;
  readonly image: ResolvedImage;
  readonly inputs: RunInputs;
  readonly environment: Readonly<Record<string, string>>;
  readonly input: Pick<OperationInput, 'limits' | 'options'>;
  readonly imports: ModuleRequest['imports'];
  readonly options: EngineOptions;
  readonly snapshot: Content | undefined;
  readonly sealKey: Buffer;
  /** A lock of the tool that is to be released first. */
  readonly unlock?: string | undefined;
  /** A preview has none; a mutation runs exactly this. */
  readonly plan?: {
    readonly content: Content;
    readonly digest: string;
    readonly toolVersion: string;
    /** State that it was made for; the container refuses any other. */
    readonly stateFingerprint: string | null;
    /** What was approved, for the receipt that the container makes. */
    readonly changes: readonly Pick<Change, 'resource' | 'action'>[];
  };
}

/** Builds the run. Throws `InvalidInput` when the Docker socket is asked for and not granted. */
export async function buildModuleRun(
  dependencies: OperationDependencies,
  parts: RunParts,
): Promise<ModuleRun> {
  const { store, config } = dependencies;
  const { input, image, inputs, stackId, snapshot, plan, operation } = parts;
  const keys = await store.stackKey(stackId);
  const url = config.stateUrl;
  const { graceMs, runTimeoutMs } = runTimes(input.limits);
  const request: ModuleRequest = defined({
    action: plan === undefined ? ('preview' as const) : operation,
    preview_of: plan === undefined ? operation : undefined,
    inputs: inputs.inputs,
    environment: parts.environment,
    stack_name: stackId,
    contract: 1 as const,
    plan:
      plan === undefined
        ? undefined
        : { path: 'plan/plan', digest: plan.digest, tool_version: plan.toolVersion },
    imports: parts.imports,
    secret_inputs: [...inputs.secretInputs],
    credentials: inputs.credentials,
    credential_files: inputs.credentialFiles,
    state: {
      ...(url === undefined ? { path: STATE_PATH } : { url }),
      ...(plan === undefined ? {} : { fingerprint: plan.stateFingerprint }),
    },
    unlock: parts.unlock,
    passphrase: image.engine === 'pulumi' ? await keys.pulumiPassphrase() : undefined,
    options: parts.options,
    seal_key: parts.sealKey.toString('base64'),
    mask_key: keys.mask.toString('base64'),
  }) as ModuleRequest;
  return {
    image: image.reference,
    name: parts.name,
    labels: createLabels({ installation: store.installation, stackId, operation, ...parts.labels }),
    request,
    files: {
      ...(snapshot === undefined ? {} : { [STATE_PATH]: snapshot }),
      ...(plan === undefined
        ? {}
        : { 'plan/plan': plan.content, 'plan/changes.ndjson': approvedLines(plan.changes) }),
    },
    workspace: parts.workspace,
    limits: resolveLimits(input.limits),
    ...(input.options?.dockerSocket === true
      ? { dockerSocket: await grantSocket(dependencies, image) }
      : {}),
    stopGraceMs: graceMs,
    runTimeoutMs,
  };
}

function approvedLines(changes: readonly Pick<Change, 'resource' | 'action'>[]): Buffer {
  return Buffer.from(
    changes.map(({ resource, action }) => `${JSON.stringify({ resource, action })}\n`).join(''),
  );
}

async function grantSocket(
  { engine, config }: OperationDependencies,
  image: ResolvedImage,
): Promise<NonNullable<ModuleRun['dockerSocket']>> {
  const path = config.dockerSocketGrant;
  if (path === undefined) {
    throw new CodedError(
      'InvalidInput',
      'options.dockerSocket: this worker grants no Docker socket; set CLDCTL_DOCKER_SOCKET_GRANT on it',
    );
  }
  return { path, groupId: await socketGroupId(engine, path, image.reference) };
}

function defined<T extends object>(value: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined),
  ) as never;
}
