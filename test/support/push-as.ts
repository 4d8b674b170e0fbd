/** Gives an image another name and pushes it there. */
import { tagImage } from '../../src/docker/build.js';
import type { Engine } from '../../src/docker/engine.js';
import { pushImage } from '../../src/docker/push.js';

/** Pushes `image` as `reference` to a registry without login, then forgets the local name, so that it has to be pulled. */
export async function pushAs(engine: Engine, image: string, reference: string): Promise<string> {
  await tagImage(engine, image, reference);
  await pushImage(engine, { reference }, { signal: new AbortController().signal });
  await engine.docker.getImage(reference).remove();
  return reference;
}
