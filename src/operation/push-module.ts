/** Pushes a module image to the worker's registry. */
import { tagImage } from '../docker/build.js';
import { pullImage } from '../docker/push.js';
import { CodedError } from '../errors.js';
import { imageAuth } from '../docker/image-auth.js';
import { platformTag } from '../standalone/build-platforms.js';
import { pushPlatforms } from '../standalone/push-built.js';
import { transferMessages, type BuildControl } from './build-module.js';
import type { OperationDependencies } from './dependencies.js';
import type { PushRequest, ResolvedImage } from './types.js';

/** Pushes under the configured prefix, images of several platforms as one; it is known by the registry's digest from then on. */
export async function pushModule(
  { engine, config }: Pick<OperationDependencies, 'engine' | 'config'>,
  { image, platforms = [] }: PushRequest,
  { signal, onMessage }: BuildControl,
): Promise<ResolvedImage> {
  if (config.registry === undefined) {
    throw new CodedError(
      'InvalidConfiguration',
      'this worker has no registry; set CLDCTL_REGISTRY',
    );
  }
  const name = `${config.registry}/${image.name.split('/').slice(-1)[0] ?? ''}`;
  for (const platform of platforms)
    await tagImage(engine, platformTag(image.name, platform), platformTag(name, platform));
  await tagImage(engine, image.imageId, name);
  const auth = await imageAuth(name, config.docker.environment);
  const watched = { signal, onEvent: transferMessages(onMessage) };
  const { reference } = await pushPlatforms(engine, { reference: name, auth, platforms }, watched);
  // The engine knows an index by its digest when it was pulled, which brings nothing but that name.
  if (platforms.length > 1)
    await pullImage(engine, { reference, auth }, { ...watched, platform: engine.platform });
  return { ...image, reference, name };
}
