/** What has to be known of an image before it is run, and the checks that need no container. */
import { CONTRACT_VERSION } from '../contract/version.js';
import { CodedError } from '../errors.js';
import { dockerCall } from './docker-error.js';
import type { Engine } from './engine.js';
import { LABEL } from './labels.js';

export interface ModuleImage {
  readonly id: string;
  readonly platform: string;
  /** `contract`: speaks this version, input on stdin. `seed`: only `/workspace/input.json` and `output.json`. */
  readonly form: 'contract' | 'seed';
  /** Names of the variables that the image sets. */
  readonly environment: readonly string[];
  /** The image's own `USER`; empty for root. */
  readonly user: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Inspects an image. Throws `ModuleNotFound` when the engine doesn't have it, and `InvalidModule` when it is for
 * another platform or says another contract version.
 */
export async function inspectModuleImage(engine: Engine, reference: string): Promise<ModuleImage> {
  const image = await dockerCall(`inspect image ${reference}`, () =>
    engine.docker.getImage(reference).inspect(),
  );
  const platform = `${image.Os}/${image.Architecture}`;
  if (platform !== engine.platform) {
    throw new CodedError(
      'InvalidModule',
      `image ${reference} is for ${platform}, but the Docker engine runs ${engine.platform}; build it for ${engine.platform}`,
    );
  }
  const labels = image.Config.Labels ?? {};
  const contract = labels[LABEL.contract];
  if (contract !== undefined && contract !== String(CONTRACT_VERSION)) {
    throw new CodedError(
      'InvalidModule',
      `image ${reference} speaks contract ${contract}, this worker speaks ${CONTRACT_VERSION}; build the module again`,
    );
  }
  return {
    id: image.Id,
    platform,
    form: contract === undefined ? 'seed' : 'contract',
    environment: (image.Config.Env ?? []).map((entry) => entry.split('=', 1)[0] ?? entry),
    user: image.Config.User ?? '',
    labels,
  };
}
