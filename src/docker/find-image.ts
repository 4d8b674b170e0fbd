/** Looking images up on the engine. */
import { dockerCall, ifPresent } from './docker-error.js';
import type { Engine } from './engine.js';

export interface FoundImage {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly platform: string;
  readonly tags: readonly string[];
  /** `repository@sha256:…`, one for each repository it was pushed to or pulled from, in no useful order. */
  readonly repoDigests: readonly string[];
  /** Bytes, shared layers included. */
  readonly size: number;
}

/** Finds an image by tag, digest reference or id; undefined when the engine does not have it. */
export async function findImage(engine: Engine, name: string): Promise<FoundImage | undefined> {
  const image = await ifPresent(`inspect image ${name}`, () =>
    engine.docker.getImage(name).inspect(),
  );
  if (image === undefined) return undefined;
  return {
    id: image.Id,
    labels: image.Config.Labels ?? {},
    platform: `${image.Os}/${image.Architecture}`,
    tags: image.RepoTags ?? [],
    repoDigests: image.RepoDigests ?? [],
    size: image.Size,
  };
}

/** Ids of the images that have a label with this value, newest first. */
export async function findImagesByLabel(
  engine: Engine,
  label: string,
  value: string,
): Promise<string[]> {
  const images = await dockerCall('list images', () =>
    engine.docker.listImages({ filters: { label: [`${label}=${value}`] } }),
  );
  return images.sort((a, b) => b.Created - a.Created).map(({ Id }) => Id);
}
