/** Builds module images, with no Temporal in sight. */
import { basename, resolve } from 'node:path';
import { loadConfig, type Config } from '../config.js';
import type { Engine as IacEngine, ModuleDescription, Runtime } from '../contract/module-schema.js';
import { detectModule } from '../detect/detect-module.js';
import { buildImage, tagImage, type BuildEvent } from '../docker/build.js';
import { connectEngine, type Engine } from '../docker/engine.js';
import { findImage, findImagesByLabel } from '../docker/find-image.js';
import { LABEL } from '../docker/labels.js';
import { readModuleDescription } from '../docker/module-description.js';
import { dockerEnvironment } from '../setup/setup-settings.js';
import { baseOf } from './build-base.js';
import { planBuild, type BuildPlan } from './build-plan.js';
import { checkPlatforms, digestOfAll, platformTag } from './build-platforms.js';
import { pushBuilt, type PushOptions } from './push-built.js';

export type { BuildEvent } from '../docker/build.js';

export interface BuilderOptions {
  /** Default: the engine that the docker command would use. */
  readonly engine?: Engine;
  /** Default: read from this process's environment. */
  readonly config?: Config;
}

export interface BuildOptions {
  readonly moduleDir: string;
  /** Default: `cldctl-module/<directory>:<12 digits of the source digest>`. */
  readonly tag?: string;
  /** Which engine is meant when the directory holds two modules. */
  readonly engine?: IacEngine;
  /**
   * `os/architecture` of each image; default: the Docker engine's. Images of several platforms are named `<tag>-<architecture>`, and `push`
   * makes them one.
   */
  readonly platforms?: readonly string[];
  /** Build although nothing changed. */
  readonly noCache?: boolean;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: BuildEvent) => void;
}

/** The image of one platform. */
export interface BuiltImage {
  readonly platform: string;
  readonly reference: string;
  readonly imageId: string;
  /** True when the same sources and parts had been built before. */
  readonly cached: boolean;
}

export interface BuildResult {
  /** What `push` takes; on this engine it is the image of the engine's own platform. */
  readonly reference: string;
  readonly imageId: string;
  /** One for each platform. */
  readonly images: readonly BuiltImage[];
  /** Of what all images are built from: the same digest is the same images. */
  readonly sourceDigest: string;
  readonly engine: IacEngine;
  readonly runtime?: Runtime;
  /** What the module takes and gives; absent for an image that was not prepared (a Dockerfile of its own). */
  readonly description?: ModuleDescription;
  /** True when the same sources and parts had been built before, for every platform. */
  readonly cached: boolean;
  readonly notices: readonly string[];
}

export interface Builder {
  /**
   * Throws `InvalidInput` (a platform that can't be built here), `ModuleNotFound`, `InvalidModule`, `BuildFailed`, `DockerUnavailable`, and
   * `AbortError` when `signal` fires.
   */
  build(options: BuildOptions): Promise<BuildResult>;
  /** Pushes an image that was built, with the credentials of the docker command; returns its reference by digest. */
  push(reference: string, options?: PushOptions): Promise<{ reference: string; digest: string }>;
  close(): Promise<void>;
}

/** Makes a builder; throws `DockerUnavailable`. */
export async function createBuilder(options: BuilderOptions = {}): Promise<Builder> {
  const config = options.config ?? loadConfig(process.env);
  const environment = dockerEnvironment(config);
  const engine = options.engine ?? (await connectEngine({ environment }));
  return {
    build: (build) => buildOne(engine, config, build),
    push: (reference, push = {}) => pushBuilt(engine, config, reference, push),
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
  const platforms = options.platforms ?? [engine.platform];
  checkPlatforms(platforms, detected, engine);
  const events = options.onEvent === undefined ? {} : { onEvent: options.onEvent };
  const plans: { platform: string; plan: BuildPlan }[] = [];
  for (const platform of platforms) {
    const scope = { engine, config, signal, ...events };
    const base = await baseOf(directory, detected, platform, scope);
    plans.push({
      platform,
      plan: await planBuild(directory, detected, base, process.env, scope),
    });
  }
  const sourceDigest = digestOfAll(plans.map(({ plan }) => plan.digest));
  const reference =
    options.tag ??
    `cldctl-module/${imageName(basename(directory))}:${sourceDigest.slice('sha256:'.length).slice(0, 12)}`;
  const images: BuiltImage[] = [];
  for (const { platform, plan } of plans)
    images.push(
      await buildPlatform(engine, plan, {
        ...events,
        platform,
        signal,
        reference: plans.length === 1 ? reference : platformTag(reference, platform),
        noCache: options.noCache === true,
      }),
    );
  const own = images.find(({ platform }) => platform === engine.platform);
  if (own !== undefined && own.reference !== reference)
    await tagImage(engine, own.imageId, reference);
  const imageId = (own ?? images[0])?.imageId ?? reference;
  const description = await readModuleDescription(engine, imageId);
  return {
    reference,
    imageId,
    images,
    sourceDigest,
    engine: detected.engine,
    ...(detected.runtime === undefined ? {} : { runtime: detected.runtime }),
    ...(description === undefined ? {} : { description }),
    cached: images.every(({ cached }) => cached),
    notices: [...detected.warnings, ...(description?.notices ?? [])],
  };
}

async function buildPlatform(
  engine: Engine,
  plan: BuildPlan,
  image: {
    readonly platform: string;
    readonly reference: string;
    readonly noCache: boolean;
    readonly signal: AbortSignal;
    readonly onEvent?: (event: BuildEvent) => void;
  },
): Promise<BuiltImage> {
  const { platform, reference, noCache, signal } = image;
  const known = noCache ? undefined : await knownImage(engine, plan.digest, platform);
  if (known !== undefined) {
    await tagImage(engine, known, reference);
    return { platform, reference, imageId: known, cached: true };
  }
  const { imageId } = await buildImage(
    engine,
    {
      context: plan.context(),
      dockerfile: plan.dockerfilePath,
      tags: [reference],
      labels: plan.labels,
      ...(platform === engine.platform ? {} : { platform }),
      ...(noCache ? { noCache } : {}),
    },
    { signal, ...(image.onEvent === undefined ? {} : { onEvent: image.onEvent }) },
  );
  return { platform, reference, imageId, cached: false };
}

async function knownImage(
  engine: Engine,
  digest: string,
  platform: string,
): Promise<string | undefined> {
  for (const id of await findImagesByLabel(engine, LABEL.sourceDigest, digest))
    if ((await findImage(engine, id))?.platform === platform) return id;
  return undefined;
}

/** A directory's name as part of an image's: lower case, separators single. */
function imageName(name: string): string {
  const cleaned = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return cleaned === '' ? 'module' : cleaned;
}
