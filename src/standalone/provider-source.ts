/** Where a module's providers come from when it is built: the registries, a network mirror, or a directory that becomes an image. */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { buildImage, type BuildEvent } from '../docker/build.js';
import type { Engine } from '../docker/engine.js';
import { MIRROR_LABELS, MIRROR_REPOSITORY, noteUse } from '../docker/kept-images.js';
import type { OpentofuDockerfilePlan } from '../dockerfile/opentofu-dockerfile.js';
import { CodedError } from '../errors.js';
import { packContext, type ContextFile } from './build-context.js';

interface Scope {
  readonly engine: Engine;
  readonly signal: AbortSignal;
  readonly onEvent?: (event: BuildEvent) => void;
}

const DOCKERFILE = '.cldctl.Dockerfile';
const MIRROR = 'mirror';

/**
 * The mirror that `place` names, undefined for the registries. A directory is sent to the engine once, as an image that the builds of all
 * modules copy from: in each build's context it would cost as much as the rest of the build. Workers remove it when no build copied from it
 * for a day. Throws `InvalidConfiguration`.
 */
export async function providerSource(
  place: string | undefined,
  scope: Scope,
): Promise<OpentofuDockerfilePlan['mirror']> {
  if (place === undefined) return undefined;
  if (/^https:\/\//.test(place)) return { url: place };
  const files = await filesOf(place);
  const stamps = await Promise.all(files.map(stamp));
  const digest = createHash('sha256').update(JSON.stringify(stamps)).digest('hex').slice(0, 12);
  const image = `${MIRROR_REPOSITORY}:${digest}`;
  if (await noteUse(scope.engine, image)) return { image };
  const dockerfile = { name: DOCKERFILE, from: Buffer.from(`FROM scratch\nCOPY ${MIRROR} /\n`) };
  await buildImage(
    scope.engine,
    {
      context: packContext([{ ...dockerfile, executable: false }, ...files]),
      dockerfile: DOCKERFILE,
      tags: [image],
      labels: MIRROR_LABELS,
    },
    scope,
  );
  return { image };
}

async function filesOf(place: string): Promise<(ContextFile & { readonly from: string })[]> {
  const entries = await readdir(place, { recursive: true, withFileTypes: true }).catch(
    (error: unknown) => {
      throw new CodedError(
        'InvalidConfiguration',
        `CLDCTL_PROVIDER_MIRROR: ${place} can't be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
      );
    },
  );
  const files = entries.filter((entry) => entry.isFile());
  if (files.length === 0)
    throw new CodedError('InvalidConfiguration', `CLDCTL_PROVIDER_MIRROR: ${place} is empty`);
  return files
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
    .map((from) => ({
      name: `${MIRROR}/${relative(place, from).split(sep).join('/')}`,
      from,
      executable: true,
    }));
}

/** Name, size and time of a provider: reading hundreds of megabytes to find nothing changed would cost more than the build. */
async function stamp({ name, from }: { name: string; from: string }): Promise<unknown[]> {
  const { size, mtimeMs } = await stat(from);
  return [name, size, mtimeMs];
}
