/** Which platforms a module's image can be built for here, and what the images of several are called. */
import { createHash } from 'node:crypto';
import type { DetectedModule } from '../detect/detect-module.js';
import type { Engine } from '../docker/engine.js';
import { parseReference } from '../docker/image-reference.js';
import { CodedError } from '../errors.js';
import { architectureOf, architectures } from '../setup/architecture.js';

/**
 * Refuses a platform that the image can't be built for, before anything starts: on another platform than the engine's no command of the
 * build can run, so that only generated Dockerfiles of OpenTofu modules do. Throws `InvalidInput`, or `InvalidConfiguration` for an
 * engine that can't.
 */
export function checkPlatforms(
  platforms: readonly string[],
  module: DetectedModule,
  engine: Engine,
): void {
  checkNames(platforms, engine);
  for (const platform of platforms) {
    if (platform === engine.platform) continue;
    const refusal = (code: 'InvalidInput' | 'InvalidConfiguration', reason: string): CodedError =>
      new CodedError(code, `platform ${platform}: ${reason}`);
    const elsewhere = `build it with a Docker engine of ${platform}`;
    if (module.ownDockerfile)
      throw refusal(
        'InvalidInput',
        `commands of the module's own Dockerfile run on ${engine.platform} only; ${elsewhere}`,
      );
    if (module.engine === 'pulumi')
      throw refusal(
        'InvalidInput',
        `a Pulumi module's dependencies are installed by commands of that platform; ${elsewhere}`,
      );
    if (engine.builder === 'classic')
      throw refusal(
        'InvalidConfiguration',
        `this Docker engine has no BuildKit, and builds for ${engine.platform} only; ${elsewhere}`,
      );
  }
}

/** Refuses platforms that no image is made for. Throws `InvalidInput`. */
export function checkNames(platforms: readonly string[], engine: Engine): void {
  if (platforms.length === 0 || new Set(platforms).size !== platforms.length)
    throw new CodedError('InvalidInput', 'platforms: name each platform once, and at least one');
  for (const platform of platforms)
    if (platform !== engine.platform && architectureOf(platform) === undefined)
      throw new CodedError(
        'InvalidInput',
        `platform ${platform}: images are built for linux/${architectures.join(', linux/')}`,
      );
}

/** What the image of one platform is called beside those of others: `module:1` for `linux/arm64` is `module:1-arm64`. */
export function platformTag(reference: string, platform: string): string {
  const { repository, tag = 'latest' } = parseReference(reference);
  return `${repository}:${tag}-${platform.split('/')[1] ?? platform}`;
}

/** One digest for the images of all platforms, whatever their order; of one platform it is that one's own. */
export function digestOfAll(digests: readonly string[]): string {
  const [first = '', ...more] = [...digests].sort();
  if (more.length === 0) return first;
  return `sha256:${createHash('sha256')
    .update([first, ...more].join('\n'))
    .digest('hex')}`;
}
