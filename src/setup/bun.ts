import { createRequire } from 'node:module';
import { join } from 'node:path';
import { CodedError } from '../errors.js';
import { cached } from './cache.js';
import type { SetupContext } from './context.js';
import { fetchNpmPackage } from './npm-package.js';
import { versions } from './versions.js';

/**
 * The bun executable that compiles the entrypoint: the development dependency in a clone, else fetched with `npm pack` into the cache.
 * Not a dependency of the package: its 90 MB are needed only where base images are built.
 */
export async function bunExecutable(context: SetupContext): Promise<string> {
  const require = createRequire(join(context.root, 'package.json'));
  const names = platformPackages();
  for (const name of names) {
    try {
      const found = require.resolve(`${name}/bin/bun`);
      const { version } = require(`${name}/package.json`) as { version: string };
      if (version === versions.bun) return found;
    } catch {
      // Not a clone, or installed without optional packages.
    }
  }
  const [name] = names;
  if (name === undefined)
    throw new CodedError(
      'SetupFailed',
      `bun ${versions.bun} has no package for ${process.platform}-${process.arch}`,
    );
  return context.steps.step(`fetch bun ${versions.bun}`, async (step) => {
    const key = { name: 'bun', version: versions.bun, recipe: name };
    const entry = await cached(context.cacheDirectory, key, { signal: step.signal }, (directory) =>
      fetchNpmPackage(`${name}@${versions.bun}`, directory, step.signal),
    );
    if (entry.cached) step.markCached();
    return join(entry.path, 'bin', 'bun');
  });
}

function platformPackages(): string[] {
  const platform = `${process.platform}-${process.arch}`;
  switch (platform) {
    case 'linux-x64':
      return ['@oven/bun-linux-x64-baseline'];
    case 'linux-arm64':
      return ['@oven/bun-linux-aarch64'];
    case 'darwin-arm64':
      return ['@oven/bun-darwin-aarch64'];
    case 'darwin-x64':
      return ['@oven/bun-darwin-x64-baseline'];
    default:
      return [];
  }
}
