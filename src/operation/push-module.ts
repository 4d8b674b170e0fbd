/** Pushes a module image to the worker's registry. */
import { tagImage } from '../docker/build.js';
import { pushImage } from '../docker/push.js';
import { CodedError } from '../errors.js';
import { imageAuth } from '../docker/image-auth.js';
import { transferMessages, type BuildControl } from './build-module.js';
import type { OperationDependencies } from './dependencies.js';
import type { ResolvedImage } from './types.js';

/** Pushes under the configured prefix; the image is known by the registry's digest from then on. */
export async function pushModule(
  dependencies: OperationDependencies,
  image: ResolvedImage,
  { signal, onMessage }: BuildControl,
): Promise<ResolvedImage> {
  const { engine, config } = dependencies;
  if (config.registry === undefined) {
    throw new CodedError(
      'InvalidConfiguration',
      'this worker has no registry; set CLDCTL_REGISTRY',
    );
  }
  const name = `${config.registry}/${image.name.split('/').slice(-1)[0] ?? ''}`;
  await tagImage(engine, image.imageId, name);
  const { reference } = await pushImage(
    engine,
    { reference: name, auth: await imageAuth(name, dependencies.config.docker.environment) },
    { signal, onEvent: transferMessages(onMessage) },
  );
  return { ...image, reference, name };
}
