import { connectEngine, type Engine } from '../../docker/engine.js';
import { asCodedError } from '../../errors.js';
import type { Config } from '../../config.js';
import { baseImageReference, type BaseEngine, type BaseRuntime } from '../base-images.js';
import { connectSetupEngine } from '../engine-api.js';
import { dockerEnvironment } from '../setup-settings.js';
import type { Finding } from './finding.js';

const baseImages: readonly (readonly [BaseEngine, BaseRuntime?])[] = [
  ['opentofu'],
  ['pulumi', 'nodejs'],
  ['pulumi', 'python'],
  ['pulumi', 'go'],
  ['pulumi', 'yaml'],
];

/** The Docker engine and the base images that it has. */
export async function* checkDocker(config: Config): AsyncGenerator<Finding> {
  const environment = dockerEnvironment(config);
  let engine: Engine;
  try {
    engine = await connectEngine({ environment });
  } catch (error) {
    const { message } = asCodedError(error);
    const remedy = 'start it, or on Debian as root run the demo, which installs docker.io';
    yield { subject: 'Docker engine', status: 'missing', found: message, remedy };
    return;
  }
  yield {
    subject: 'Docker engine',
    status: 'ok',
    found: `${engine.version} (API ${engine.apiVersion}, ${engine.builder}, ${engine.platform}) at ${engine.host}`,
  };
  const images = await connectSetupEngine(environment);
  for (const [name, runtime] of baseImages) {
    const key = [name, runtime].filter(Boolean).join('-');
    const reference = config.images[key] ?? baseImageReference(name, runtime);
    yield (await images.hasImage(reference))
      ? { subject: `base image ${key}`, status: 'ok', found: reference }
      : {
          subject: `base image ${key}`,
          status: 'optional',
          found: `${reference} is not in this engine`,
          remedy: `cldctl-iac images build ${key}`,
        };
  }
}
