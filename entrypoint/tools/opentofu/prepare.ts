import { FailureError } from '../../failure-error.js';
import type { PrepareContext } from '../tool.js';
import { prepareModule } from './prepare-module.js';
import { preparePlatform } from './prepare-platform.js';
import { prepareProviders } from './prepare-providers.js';
import { prepareRequirements } from './prepare-requirements.js';

/**
 * The build steps of OpenTofu modules, in the order a Dockerfile has them:
 * `requirements DIR MODULES` writes what the module needs of providers to DIR, and nothing else, so that equal needs are an equal layer,
 * and downloaded child modules to MODULES;
 * `providers DIR [MIRROR]` installs them; `module [MIRROR]` bakes the module, and installs what is missing;
 * `platform PLATFORM DIR [MIRROR]` gives a baked module the providers of another platform.
 */
export async function prepareOpentofu(verb: string, context: PrepareContext): Promise<void> {
  if (verb === 'requirements') return prepareRequirements(context);
  if (verb === 'providers') return prepareProviders(context);
  if (verb === 'module') return prepareModule(context);
  if (verb === 'platform') return preparePlatform(context);
  throw new FailureError(
    'InvalidInput',
    `prepare: no step "${verb}": use requirements, providers, module or platform`,
  );
}
