/** Base images: made for one or more platforms, and pushed for hosts that shall not make them. */
import type { Config } from '../config.js';
import { tagImage } from '../docker/build.js';
import { connectEngine, type Engine } from '../docker/engine.js';
import { parseReference } from '../docker/image-reference.js';
import { CodedError } from '../errors.js';
import { architectureOf } from '../setup/architecture.js';
import type { Part } from '../setup/parts.js';
import { prepareLocalSystem } from '../setup/prepare-local-system.js';
import { dockerEnvironment, setupSettings } from '../setup/setup-settings.js';
import type { StepEvent } from '../setup/steps.js';
import { checkNames, platformTag } from './build-platforms.js';
import { pushBuilt } from './push-built.js';

/** Names of the base images, as parts of a set-up. */
export type BaseImageName =
  'entrypoint' | 'opentofu' | 'pulumi-nodejs' | 'pulumi-python' | 'pulumi-go' | 'pulumi-yaml';

/** The image of a base image for one platform. */
export interface MadeBaseImage {
  readonly name: BaseImageName;
  readonly platform: string;
  readonly reference: string;
}

interface Control {
  readonly signal: AbortSignal;
  readonly report: (event: StepEvent) => void;
}

/**
 * Makes base images that the engine doesn't have. Throws `InvalidInput` for a platform that one can't be made for here, and as
 * `prepareLocalSystem`.
 */
export async function makeBaseImages(
  names: readonly BaseImageName[],
  platforms: readonly string[] | undefined,
  config: Config,
  control: Control,
): Promise<MadeBaseImage[]> {
  const settings = { ...setupSettings(config), ...control };
  const connect = (): Promise<Engine> => connectEngine({ environment: dockerEnvironment(config) });
  const engine = await connect().catch(async () => {
    // Installed where that is possible, else refused with what to do.
    await prepareLocalSystem({ need: ['engine'], ...settings });
    return connect();
  });
  const wanted = platforms ?? [engine.platform];
  checkNames(wanted, engine);
  const images = names.flatMap((name) =>
    wanted.map((platform) => ({
      name,
      platform,
      part: platform === engine.platform ? name : platformPart(name, platform),
    })),
  );
  const made = await prepareLocalSystem({ need: images.map(({ part }) => part), ...settings });
  return images.map(({ name, platform, part }) => ({
    name,
    platform,
    reference: String(made[part]),
  }));
}

function platformPart(name: BaseImageName, platform: string): Part {
  const architecture = architectureOf(platform);
  if (architecture !== undefined && name === 'opentofu') return `opentofu-${architecture}`;
  if (architecture !== undefined && name === 'entrypoint')
    return `entrypoint-image-${architecture}`;
  throw new CodedError(
    'InvalidInput',
    `platform ${platform}: ${name} is made by commands of that platform; build it with a Docker engine of ${platform}`,
  );
}

/**
 * Pushes the images of one base image below a prefix, those of several platforms as one. Throws as `pushImage`.
 */
export async function pushBaseImage(
  images: readonly MadeBaseImage[],
  prefix: string,
  config: Config,
  control: { readonly signal: AbortSignal; readonly onMessage?: (text: string) => void },
): Promise<{ reference: string; digest: string; name: string }> {
  const engine = await connectEngine({ environment: dockerEnvironment(config) });
  const own = images.find(({ platform }) => platform === engine.platform) ?? images[0];
  const { path, tag = 'latest' } = parseReference(own?.reference ?? '');
  const name = `${prefix}/${path.split('/').at(-1)}:${tag.replace(/-(amd64|arm64)$/, '')}`;
  for (const { platform, reference } of images)
    await tagImage(engine, reference, images.length === 1 ? name : platformTag(name, platform));
  const pushed = await pushBuilt(engine, config, name, {
    platforms: images.map(({ platform }) => platform),
    signal: control.signal,
    onEvent: ({ message }) => control.onMessage?.(message),
  });
  return { ...pushed, name };
}
