/** Gives an image another name and pushes it there. */
import type { Engine } from '../../src/docker/engine.js';

/** Pushes `image` as `reference` to a registry without login, then forgets the local name, so that it has to be pulled. */
export async function pushAs(engine: Engine, image: string, reference: string): Promise<string> {
  const colon = reference.lastIndexOf(':');
  const [repo, tag] = [reference.slice(0, colon), reference.slice(colon + 1)];
  await engine.docker.getImage(image).tag({ repo, tag });
  const stream = await engine.docker.getImage(repo).push({ tag, authconfig: {} });
  await new Promise<void>((resolve, reject) => {
    engine.docker.modem.followProgress(stream, (error, lines: { error?: string }[]) => {
      const refused = lines?.find((line) => line.error !== undefined)?.error;
      if (error ?? refused) reject(error ?? new Error(refused));
      else resolve();
    });
  });
  await engine.docker.getImage(reference).remove();
  return reference;
}
