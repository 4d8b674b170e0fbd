/** Removes from the engine the directories of providers that builds took from and need no more. */
import type { Engine } from '../docker/engine.js';
import { listMirrorImages, removeImageName } from '../docker/kept-images.js';

/** Time that an image is kept for the next build, which would else send its directory again; longer than any build takes. */
const KEPT = 24 * 3_600_000;

/** Names of the images of provider directories that no build took any from for a day. Throws `DockerUnavailable`. */
export async function findUnneededImages(engine: Engine, now = Date.now()): Promise<string[]> {
  const images = await listMirrorImages(engine);
  return images.filter(({ lastUsed }) => now - lastUsed.getTime() >= KEPT).map(({ name }) => name);
}

/** Removes those that no container was made from; returns how many. Throws `DockerUnavailable`. */
export async function tidyImages(engine: Engine, now = Date.now()): Promise<number> {
  let removed = 0;
  for (const name of await findUnneededImages(engine, now))
    if (await removeImageName(engine, name)) removed += 1;
  return removed;
}
