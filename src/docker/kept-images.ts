/** Images that are kept for later builds: when one last needed them, and removing those that none did for long. */
import { tagImage } from './build.js';
import { dockerCall, dockerStatus, ifPresent } from './docker-error.js';
import type { Engine } from './engine.js';
import { createLabels } from './labels.js';

/** Repository of the images that hold a directory of providers, and their labels. */
export const MIRROR_REPOSITORY = 'cldctl-iac/provider-mirror';
export const MIRROR_LABELS = createLabels({ purpose: 'provider-mirror' });

export interface KeptImage {
  /** Its tag. */
  readonly name: string;
  readonly lastUsed: Date;
}

/** Notes that a build needs the image now; false when the engine does not have it. */
export async function noteUse(engine: Engine, name: string): Promise<boolean> {
  // The engine keeps the time at which a name was last given: the only thing about an image that can be changed.
  const noted = await ifPresent(`tag image ${name}`, async () => {
    await tagImage(engine, name, name);
    return true;
  });
  return noted ?? false;
}

/** Lists the images that hold directories of providers, by the names that builds gave them. */
export async function listMirrorImages(engine: Engine): Promise<KeptImage[]> {
  const label = Object.entries(MIRROR_LABELS).map(([key, value]) => `${key}=${value}`);
  const images = await dockerCall('list images', () =>
    engine.docker.listImages({ filters: { label } }),
  );
  const found: KeptImage[] = [];
  for (const { RepoTags } of images)
    for (const name of RepoTags ?? []) {
      if (!name.startsWith(`${MIRROR_REPOSITORY}:`)) continue;
      const image = await ifPresent(`inspect image ${name}`, () =>
        engine.docker.getImage(name).inspect(),
      );
      if (image === undefined) continue;
      const { Created, Metadata } = image as {
        Created: string;
        Metadata?: { LastTagTime?: string };
      };
      const times = [Created, Metadata?.LastTagTime].map((time) => Date.parse(time ?? ''));
      found.push({ name, lastUsed: new Date(Math.max(...times.filter(Number.isFinite))) });
    }
  return found;
}

/** Takes a name from an image, which goes with its last one; false when a container needs it. */
export async function removeImageName(engine: Engine, name: string): Promise<boolean> {
  return dockerCall(`remove image ${name}`, async () => {
    try {
      await engine.docker.getImage(name).remove();
    } catch (error) {
      const status = dockerStatus(error);
      if (status === 409) return false;
      if (status !== 404) throw error;
    }
    return true;
  });
}
