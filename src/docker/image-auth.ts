import { dockerConfigFolder } from './docker-host.js';
import { parseReference } from './image-reference.js';
import { registryAuth, type RegistryAuth } from './registry-auth.js';

/**
 * Credentials for the registry of an image, as the docker command would find them in this environment; undefined means anonymous.
 * Throws `InvalidConfiguration` as `registryAuth` does.
 */
export function imageAuth(
  reference: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<RegistryAuth | undefined> {
  return registryAuth(parseReference(reference).host, {
    configFolder: dockerConfigFolder(environment),
    environment,
  });
}
