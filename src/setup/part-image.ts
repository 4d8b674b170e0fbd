import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from './architecture.js';
import { buildContext, type ContextFile } from './build-context.js';
import type { SetupContext } from './context.js';
import { buildInto, ensureImage } from './image-step.js';

/** An image that only carries files for `COPY --from`. */
export interface PartImage {
  /** Folder in `images/` with its Dockerfile. */
  folder: string;
  name: string;
  version: string;
  /** What decides its content besides the Dockerfile and the version. */
  recipe: string;
  /** Another processor than the engine's that it is for. */
  architecture?: Architecture;
  /** Makes the files; called only when the image has to be built. */
  files(): Promise<ContextFile[]>;
}

/** Builds a part image when the engine doesn't have it; returns its content-addressed reference. */
export function partImage(context: SetupContext, part: PartImage): Promise<string> {
  const folder = join(context.root, 'images', part.folder);
  const digest = createHash('sha256')
    .update(readFileSync(join(folder, 'Dockerfile')))
    .update(part.recipe)
    .digest('hex');
  const reference = `cldctl-iac/${part.name}:${part.version}-${digest.slice(0, 12)}`;
  return ensureImage(context, {
    // A step is known by its name.
    step: `build part image ${part.name}${part.architecture === undefined ? '' : ` for ${part.architecture}`}`,
    reference,
    make: async (engine, step) => {
      const files = await part.files();
      await buildInto(context, engine, step, {
        tag: reference,
        ...(part.architecture === undefined ? {} : { platform: `linux/${part.architecture}` }),
        context: buildContext(folder, ['Dockerfile'], files),
      });
    },
  });
}
