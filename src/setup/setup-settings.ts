import type { Config } from '../config.js';
import type { SetupOptions } from './prepare-local-system.js';

/** What the configuration says about a set-up, to be spread into `prepareLocalSystem`'s options. */
export function setupSettings(
  config: Pick<Config, 'route' | 'cacheDir' | 'images' | 'publicImages' | 'docker'>,
): Pick<SetupOptions<never>, 'route' | 'cacheDirectory' | 'images' | 'baseImages' | 'environment'> {
  return {
    route: config.route,
    cacheDirectory: config.cacheDir,
    images: config.publicImages,
    baseImages: config.images,
    environment: dockerEnvironment(config),
  };
}

/** The engine that the configuration names, for what reads `DOCKER_*` variables; the docker command's own files are found through the rest. */
export function dockerEnvironment(
  config: Pick<Config, 'docker'>,
): Readonly<Record<string, string | undefined>> {
  return {
    ...process.env,
    ...config.docker.environment,
    DOCKER_HOST: config.docker.host,
    DOCKER_CONTEXT: config.docker.context,
  };
}
