/** What a module's image is built on: base images of ours are made when the engine has none, others are pulled. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.js';
import type { DetectedModule } from '../detect/detect-module.js';
import type { BuildEvent } from '../docker/build.js';
import type { Engine } from '../docker/engine.js';
import { findImage } from '../docker/find-image.js';
import { imageAuth } from '../docker/image-auth.js';
import { pullImage } from '../docker/push.js';
import { baseImagesOf, withBaseImages } from '../dockerfile/base-images-of.js';
import { CodedError } from '../errors.js';
import { architectureOf } from '../setup/architecture.js';
import { baseImageName, baseImageReference } from '../setup/base-images.js';
import { partOfImage, type Part } from '../setup/parts.js';
import { prepareLocalSystem } from '../setup/prepare-local-system.js';
import { setupSettings } from '../setup/setup-settings.js';
import type { BuildBase, BuildTarget } from './build-plan.js';

/** Where and for whom it is done. */
interface Scope {
  readonly engine: Engine;
  readonly config: Config;
  readonly signal: AbortSignal;
  readonly onEvent?: (event: BuildEvent) => void;
}

/** The base of a module's image for a platform. Throws `ModuleNotFound` when a base image that the configuration names is not there. */
export async function baseOf(
  directory: string,
  detected: DetectedModule,
  platform: string,
  scope: Scope,
): Promise<BuildBase> {
  if (detected.ownDockerfile)
    return ownBase(await readFile(join(directory, 'Dockerfile'), 'utf8'), scope);
  const { engine, config } = scope;
  const name = baseImageName(detected.engine, detected.runtime);
  const reference = config.images[name] ?? baseImageReference(detected.engine, detected.runtime);
  let found = await findImage(engine, reference);
  if (found === undefined) {
    await ensurePart(name as Part, scope);
    found = await findImage(engine, reference);
  }
  if (found !== undefined) {
    const target = await targetOf(platform, scope);
    return { reference, id: found.id, ...(target === undefined ? {} : { target }) };
  }
  throw new CodedError(
    'ModuleNotFound',
    `base image ${reference} is not on the Docker engine; run: cldctl-iac images build ${name}`,
  );
}

/** What an image of another platform than the engine's ends on. */
async function targetOf(platform: string, scope: Scope): Promise<BuildTarget | undefined> {
  const { engine } = scope;
  const architecture = architectureOf(platform);
  if (platform === engine.platform || architecture === undefined) return undefined;
  const base = await ensurePart(`opentofu-${architecture}`, scope);
  const id = (await findImage(engine, base))?.id ?? base;
  return { platform, base, id, buildPlatform: engine.platform };
}

/**
 * A Dockerfile of the module's own: the images of ours that it names become those of this version; the others are pulled, each
 * with the credentials of its host, as the build itself gets none.
 */
async function ownBase(dockerfile: string, scope: Scope): Promise<BuildBase> {
  const references = new Map<string, string>();
  const imageIds: string[] = [];
  for (const name of baseImagesOf(dockerfile)) {
    const part = partOfImage(name);
    const reference = part === undefined ? name : await ensurePart(part, scope);
    references.set(name, reference);
    imageIds.push(await pulledId(reference, scope));
  }
  return { dockerfile: withBaseImages(dockerfile, references), imageIds };
}

/** The id of an image, pulled when the engine doesn't have it. */
async function pulledId(
  reference: string,
  { engine, config, signal, onEvent }: Scope,
): Promise<string> {
  const found = await findImage(engine, reference);
  if (found !== undefined) return found.id;
  onEvent?.({ type: 'step', message: `pull ${reference}`, cached: false });
  const auth = await imageAuth(reference, config.docker.environment);
  await pullImage(engine, { reference, auth }, { signal });
  return (await findImage(engine, reference))?.id ?? reference;
}

/** Makes a part when it is missing; its reference. */
async function ensurePart(part: Part, { config, signal, onEvent }: Scope): Promise<string> {
  const made = await prepareLocalSystem({
    need: [part],
    ...setupSettings(config),
    signal,
    report: (event) => {
      if (event.type === 'start') onEvent?.({ type: 'step', message: event.step, cached: false });
    },
  });
  return String(made[part]);
}
