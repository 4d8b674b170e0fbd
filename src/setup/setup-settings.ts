import type { Config } from '../config.js';
import type { SetupOptions } from './prepare-local-system.js';

/** What the configuration says about a set-up, to be spread into `prepareLocalSystem`'s options. */
export function setupSettings(
  config: Pick<Config, 'route' | 'cacheDir' | 'images' | 'publicImages'>,
): Pick<SetupOptions<never>, 'route' | 'cacheDirectory' | 'images' | 'baseImages'> {
  return {
    route: config.route,
    cacheDirectory: config.cacheDir,
    images: config.publicImages,
    baseImages: config.images,
  };
}
