/** What an image says about the module in it. */
import {
  MODULE_DESCRIPTION_PATH,
  moduleDescriptionSchema,
  type ModuleDescription,
} from '../contract/module-schema.js';
import { parseJsonFast } from '../contract/json.js';
import { CodedError } from '../errors.js';
import { ENTRYPOINT } from './container-options.js';
import { dockerCall } from './docker-error.js';
import type { Engine } from './engine.js';
import { createLabels } from './labels.js';
import { readContainerFile } from './read-files.js';

/** Most bytes of a description. */
const LIMIT = 16 * 1024 * 1024;

/**
 * Reads `/cldctl/module.json` through a container that is created, never started, and removed (about 60 ms: cache it by
 * image id). Undefined in an image that has the entrypoint and was not prepared. Throws `InvalidModule` when the image
 * has no entrypoint, and `ModuleNotFound` when there is no such image.
 */
export async function readModuleDescription(
  engine: Engine,
  image: string,
): Promise<ModuleDescription | undefined> {
  const container = await dockerCall(`open image ${image}`, () =>
    engine.docker.createContainer({
      Image: image,
      Entrypoint: ['/never-started'],
      Labels: createLabels({ purpose: 'read-description' }),
      HostConfig: { NetworkMode: 'none' },
    }),
  );
  try {
    const bytes = await readContainerFile(engine, container.id, MODULE_DESCRIPTION_PATH, LIMIT);
    if (bytes !== undefined) return parseDescription(image, bytes.toString('utf8'));
    const entrypoint = await engine.docker
      .getContainer(container.id)
      .infoArchive({ path: ENTRYPOINT })
      .catch(() => undefined);
    if (entrypoint !== undefined) return undefined;
    throw new CodedError(
      'InvalidModule',
      `image ${image} is not a module image: it has no ${ENTRYPOINT}; build it with "cldctl-iac build", or add "COPY --from=cldctl-entrypoint ${ENTRYPOINT} ${ENTRYPOINT}" to its Dockerfile`,
    );
  } finally {
    await container.remove({ force: true, v: true }).catch(() => undefined);
  }
}

function parseDescription(image: string, text: string): ModuleDescription {
  try {
    return moduleDescriptionSchema.parse(parseJsonFast(text));
  } catch (cause) {
    throw new CodedError(
      'InvalidModule',
      `image ${image}: ${MODULE_DESCRIPTION_PATH} is not a module description; build the image again`,
      { cause },
    );
  }
}
