import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { engineArchitecture, hostArchitecture, type Architecture } from './architecture.js';
import { cached } from './cache.js';
import type { SetupContext } from './context.js';
import { goBuild, type GoTool } from './go-build.js';
import { pulledImage } from './image-step.js';
import { partImage } from './part-image.js';
import { versions } from './versions.js';

const tofu: GoTool = {
  name: 'opentofu',
  version: versions.opentofu,
  package: 'github.com/opentofu/opentofu/cmd/tofu',
  // Without version.dev=no the binary calls itself 1.12.6-dev, and its plan files are not those of a release.
  flags: ['-ldflags=-s -w -X github.com/opentofu/opentofu/version.dev=no'],
  binary: 'tofu',
};

/**
 * An image with `/usr/local/bin/tofu`, for the engine's processor or another one: the public minimal image, or a scratch image with the
 * binary built from source.
 */
export async function opentofuPart(
  context: SetupContext,
  architecture?: Architecture,
): Promise<string> {
  if ((await context.route()) === 'public')
    return pulledImage(context, context.images.opentofu, architecture);
  const own = await engineArchitecture(context);
  const target = architecture ?? own;
  const tool = target === hostArchitecture ? tofu : { ...tofu, architecture: target };
  return partImage(context, {
    folder: 'opentofu-part',
    name: 'opentofu-part',
    version: versions.opentofu,
    recipe: JSON.stringify(tool),
    ...(target === own ? {} : { architecture: target }),
    files: async () => [{ name: 'tofu', source: await goBuild(context, tool), executable: true }],
  });
}

/** Path of a `tofu` executable for this (Linux) machine; tests compare with the bare tool. */
export async function opentofuExecutable(context: SetupContext): Promise<string> {
  if ((await context.route()) === 'source') return goBuild(context, tofu);
  const image = await opentofuPart(context);
  return context.steps.step(`take tofu ${versions.opentofu} out of its image`, async (step) => {
    const key = { name: 'tofu', version: versions.opentofu, recipe: image };
    const entry = await cached(
      context.cacheDirectory,
      key,
      { signal: step.signal },
      async (directory) => {
        const path = join(directory, 'tofu');
        await writeFile(
          path,
          await (await context.engine()).readFile(image, '/usr/local/bin/tofu'),
        );
        await chmod(path, 0o755);
      },
    );
    if (entry.cached) step.markCached();
    return join(entry.path, 'tofu');
  });
}
