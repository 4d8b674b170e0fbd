/** Builds module images, with no Temporal in sight. */
import { basename, resolve } from 'node:path';
import { loadConfig, type Config } from '../config.js';
import type { Engine as IacEngine, ModuleDescription, Runtime } from '../contract/module-schema.js';
import { CONTRACT_VERSION } from '../contract/version.js';
import { detectModule, type DetectedModule } from '../detect/detect-module.js';
import { buildImage, tagImage, type BuildEvent } from '../docker/build.js';
import { connectEngine, type Engine } from '../docker/engine.js';
import { imageAuth } from '../docker/image-auth.js';
import { findImage, findImagesByLabel } from '../docker/find-image.js';
import { LABEL } from '../docker/labels.js';
import { readModuleDescription } from '../docker/module-description.js';
import { pushImage } from '../docker/push.js';
import { baseImageToolVersion } from '../setup/base-images.js';
import { dockerEnvironment } from '../setup/setup-settings.js';
import { baseOf } from './build-base.js';
import { planBuild } from './build-plan.js';

export type { BuildEvent } from '../docker/build.js';

export interface BuilderOptions {
  /** Default: the engine that the docker command would use. */
  readonly engine?: Engine;
  /** Default: read from this process's environment. */
  readonly config?: Config;
}

export interface BuildOptions {
  readonly moduleDir: string;
  /** Default: `cldctl-module/<directory>:<12 digits of the digest>`. */
  readonly tag?: string;
  /** Which engine is meant when the directory holds two modules. */
  readonly engine?: IacEngine;
  /** `os/architecture`; default: the Docker engine's. */
  readonly platform?: string;
  /** Build although nothing changed. */
  readonly noCache?: boolean;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: BuildEvent) => void;
}

export interface BuildResult {
  readonly reference: string;
  readonly imageId: string;
  readonly sourceDigest: string;
  readonly engine: IacEngine;
  readonly runtime?: Runtime;
  /** What the module takes and gives; absent for an image that was not prepared (a Dockerfile of its own). */
  readonly description?: ModuleDescription;
  /** True when the same sources and parts had been built before. */
  readonly cached: boolean;
  readonly notices: readonly string[];
}

export interface Builder {
  /** Throws `ModuleNotFound`, `InvalidModule`, `BuildFailed`, `DockerUnavailable`, and `AbortError` when `signal` fires. */
  build(options: BuildOptions): Promise<BuildResult>;
  /** Pushes an image that was built, with the credentials of the docker command; returns its reference by digest. */
  push(
    reference: string,
    options?: { signal?: AbortSignal },
  ): Promise<{ reference: string; digest: string }>;
  close(): Promise<void>;
}

/** Makes a builder; throws `DockerUnavailable`. */
export async function createBuilder(options: BuilderOptions = {}): Promise<Builder> {
  const config = options.config ?? loadConfig(process.env);
  const environment = dockerEnvironment(config);
  const engine = options.engine ?? (await connectEngine({ environment }));
  return {
    build: (build) => buildOne(engine, config, build),
    push: async (reference, { signal = new AbortController().signal } = {}) => {
      const auth = await imageAuth(reference, config.docker.environment);
      return pushImage(engine, { reference, auth }, { signal });
    },
    close: () => Promise.resolve(),
  };
}

async function buildOne(
  engine: Engine,
  config: Config,
  options: BuildOptions,
): Promise<BuildResult> {
  const signal = options.signal ?? new AbortController().signal;
  const directory = resolve(options.moduleDir);
  const detected = await detectModule(directory, { engine: options.engine });
  const base = await baseOf(directory, detected, {
    engine,
    config,
    signal,
    ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
  });
  const plan = await planBuild(directory, detected, base, config, process.env);
  const reference =
    options.tag ??
    `cldctl-module/${imageName(basename(directory))}:${plan.digest.slice('sha256:'.length).slice(0, 12)}`;
  const known =
    options.noCache === true ? undefined : await knownImage(engine, plan.digest, options.platform);
  let imageId = known;
  if (known === undefined) {
    ({ imageId } = await buildImage(
      engine,
      {
        context: plan.context(),
        dockerfile: plan.dockerfilePath,
        tags: [reference],
        labels: labelsOf(detected, plan.digest),
        ...(options.platform === undefined ? {} : { platform: options.platform }),
        ...(options.noCache === true ? { noCache: true } : {}),
      },
      { signal, ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }) },
    ));
  } else {
    await tagImage(engine, known, reference);
  }
  const description = await readModuleDescription(engine, imageId ?? reference);
  return {
    reference,
    imageId: imageId ?? reference,
    sourceDigest: plan.digest,
    engine: detected.engine,
    ...(detected.runtime === undefined ? {} : { runtime: detected.runtime }),
    ...(description === undefined ? {} : { description }),
    cached: known !== undefined,
    notices: [...detected.warnings, ...(description?.notices ?? [])],
  };
}

async function knownImage(
  engine: Engine,
  digest: string,
  platform = engine.platform,
): Promise<string | undefined> {
  for (const id of await findImagesByLabel(engine, LABEL.sourceDigest, digest))
    if ((await findImage(engine, id))?.platform === platform) return id;
  return undefined;
}

function labelsOf(detected: DetectedModule, digest: string): Record<string, string> {
  return {
    // A Dockerfile of the module's own speaks the contract when it starts from a base image, whose label it then has.
    ...(detected.ownDockerfile ? {} : { [LABEL.contract]: String(CONTRACT_VERSION) }),
    [LABEL.engine]: detected.engine,
    ...(detected.runtime === undefined ? {} : { [LABEL.runtime]: detected.runtime }),
    [LABEL.sourceDigest]: digest,
    ...(detected.ownDockerfile
      ? {}
      : { 'dev.cldctl.tool-version': baseImageToolVersion(detected.engine) }),
  };
}

/** A directory's name as part of an image's: lower case, separators single. */
function imageName(name: string): string {
  const cleaned = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return cleaned === '' ? 'module' : cleaned;
}
