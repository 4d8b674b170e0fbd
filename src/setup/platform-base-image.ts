import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { engineArchitecture, type Architecture } from './architecture.js';
import { baseImageLabels, ensureBaseImage } from './base-image.js';
import { baseImageReference } from './base-images.js';
import { buildContext } from './build-context.js';
import type { SetupContext } from './context.js';
import { entrypointImage } from './entrypoint-image.js';
import { buildInto, ensureImage, pulledImage } from './image-step.js';
import { opentofuPart } from './opentofu.js';
import { platformDebianImage } from './platform-debian-image.js';

const RECIPE = 'platform.Dockerfile';

/**
 * The OpenTofu base image for a processor. For another one than the engine's it is put together of that platform's parts without running
 * any of them, under a name of its own.
 */
export async function platformBaseImage(
  context: SetupContext,
  architecture: Architecture,
): Promise<string> {
  const own = await engineArchitecture(context);
  if (architecture === own) return ensureBaseImage(context, 'opentofu');
  const replaced = context.baseImages['opentofu'];
  if (replaced !== undefined) return pulledImage(context, replaced, architecture);
  const folder = join(context.root, 'images', 'opentofu');
  const base = baseImageReference('opentofu', undefined, context.root);
  const recipe = createHash('sha256')
    .update(base)
    .update(readFileSync(join(folder, RECIPE)));
  const reference = `${base.replace(/-[^-]*$/, '')}-${recipe.digest('hex').slice(0, 12)}-${architecture}`;
  return ensureImage(context, {
    step: `build base image opentofu for ${architecture}`,
    reference,
    make: async (engine, step) => {
      const [BASE, DEBIAN, OPENTOFU, ENTRYPOINT] = await Promise.all([
        ensureBaseImage(context, 'opentofu'),
        platformDebianImage(context, architecture),
        opentofuPart(context, architecture),
        entrypointImage(context, architecture),
      ]);
      await buildInto(context, engine, step, {
        tag: reference,
        platform: `linux/${architecture}`,
        dockerfile: RECIPE,
        context: buildContext(folder, [RECIPE]),
        buildArgs: { BUILD_PLATFORM: `linux/${own}`, BASE, DEBIAN, OPENTOFU, ENTRYPOINT },
        labels: baseImageLabels('opentofu'),
      });
    },
  });
}
