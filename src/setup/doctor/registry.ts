import type { Config } from '../../config.js';
import { isRegistry } from '../choose-route.js';
import { registryHost } from '../image-names.js';
import type { Finding } from './finding.js';

/** The registry that module images are pushed to. */
export async function* checkRegistry(config: Config, signal: AbortSignal): AsyncGenerator<Finding> {
  const subject = 'registry';
  if (config.registry === undefined) {
    yield {
      subject,
      status: 'optional',
      found: 'none configured: images stay in the Docker engine that built them',
      remedy: 'set CLDCTL_REGISTRY=host/prefix to push them',
    };
    return;
  }
  const host = registryHost(`${config.registry}/module`);
  yield (await isRegistry(host, signal))
    ? { subject, status: 'ok', found: config.registry }
    : {
        subject,
        status: 'missing',
        found: `no registry answers at ${host}`,
        remedy: 'check CLDCTL_REGISTRY, and that this machine reaches it',
      };
}
