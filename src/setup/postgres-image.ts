import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildContext } from './build-context.js';
import type { SetupContext } from './context.js';
import { debianImage } from './debian-image.js';
import { buildInto, ensureImage, pulledImage } from './image-step.js';
import { versions } from './versions.js';

/** A PostgreSQL image that the engine has. */
export interface PostgresImage {
  reference: string;
  /** What `select version()` will begin with, as `PostgreSQL {majorVersion}.`. */
  majorVersion: string;
}

/** The public PostgreSQL image, or one made of the Debian part and Debian's package, which takes the same POSTGRES_* variables. */
export async function postgresImage(context: SetupContext): Promise<PostgresImage> {
  if ((await context.route()) === 'public') {
    const reference = await pulledImage(context, context.images.postgres);
    return { reference, majorVersion: majorOf(reference) };
  }
  const major = versions.postgresMajor;
  const folder = join(context.root, 'images', 'postgres');
  const recipe = createHash('sha256').update(major);
  for (const name of ['Dockerfile', 'start.sh']) recipe.update(readFileSync(join(folder, name)));
  const tag = `cldctl-iac/postgres:${major}-${recipe.digest('hex').slice(0, 12)}`;
  const reference = await ensureImage(context, {
    step: `build a PostgreSQL ${major} image`,
    reference: tag,
    make: async (engine, step) => {
      await buildInto(context, engine, step, {
        tag,
        context: buildContext(folder, ['Dockerfile', 'start.sh']),
        buildArgs: { DEBIAN: await debianImage(context), POSTGRES_MAJOR: major },
      });
    },
  });
  return { reference, majorVersion: major };
}

function majorOf(reference: string): string {
  const tag = reference.slice(reference.lastIndexOf(':') + 1);
  return /^\d+/.exec(tag)?.[0] ?? versions.postgresMajor;
}
