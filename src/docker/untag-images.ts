/** Taking away names of images that a registry gave them, when that registry is gone. */
import { CodedError } from '../errors.js';
import { dockerCall } from './docker-error.js';
import type { Engine } from './engine.js';

/** Removes every tag and digest reference below `prefix` (`host:port/…`); images that have other names stay. */
export async function untagImages(engine: Engine, prefix: string): Promise<number> {
  const images = await dockerCall('list images', () => engine.docker.listImages({ digests: true }));
  const references = images
    .flatMap((image) => [...(image.RepoTags ?? []), ...(image.RepoDigests ?? [])])
    .filter((reference) => reference.startsWith(prefix));
  for (const reference of references)
    await dockerCall(`remove ${reference}`, () =>
      engine.docker.getImage(reference).remove({ noprune: true }),
    ).catch((error: unknown) => {
      // The last tag of a repository takes the repository's digests with it (Engine 20.10).
      if (!(error instanceof CodedError && error.code === 'ModuleNotFound')) throw error;
    });
  return references.length;
}
