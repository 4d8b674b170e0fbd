/** Files out of a container's `/workspace`, or out of a volume whose container is gone. */
import type { Readable } from 'node:stream';
import { wholeOf, type LargeContent } from '../content.js';
import { streamSingleFile } from './archive.js';
import { dockerCall, fromDockerError, ifPresent } from './docker-error.js';
import type { Engine } from './engine.js';
import { createLabels } from './labels.js';

/** Largest file that is read out of a container unless another bound is given: 512 MiB. */
const MAX_BYTES = 512 * 1024 * 1024;

/**
 * Reads a file of a container, running or not; undefined when it is not there. A link or folder in its place is
 * `InvalidOutput`. Costs about 40 ms: the engine mounts the file system for each call.
 */
export async function readContainerFile(
  engine: Engine,
  container: string,
  path: string,
  maxBytes: number = MAX_BYTES,
): Promise<Buffer | undefined> {
  const file = await openContainerFile(engine, container, path, maxBytes);
  return file && wholeOf(file);
}

/**
 * A file of a container, to be read in pieces; undefined when it is not there. A reading throws `InvalidOutput` when a link or
 * folder is in its place, `DockerUnavailable` when the engine goes away. Each costs a call of about 40 ms, as this does.
 */
export async function openContainerFile(
  engine: Engine,
  container: string,
  path: string,
  maxBytes: number = MAX_BYTES,
): Promise<LargeContent | undefined> {
  const doing = `read ${path} of container ${container}`;
  const place = engine.docker.getContainer(container);
  const answer = (await ifPresent(doing, () => place.infoArchive({ path }))) as
    (Readable & { readonly headers: Readonly<Record<string, string>> }) | undefined;
  if (answer === undefined) return undefined;
  answer.resume();
  const info = Buffer.from(answer.headers['x-docker-container-path-stat'] ?? '', 'base64');
  const { size } = JSON.parse(info.toString('utf8')) as { size: number };
  return {
    size,
    async *[Symbol.asyncIterator]() {
      const archive = await dockerCall(doing, () => place.getArchive({ path }));
      try {
        yield* streamSingleFile(archive, path, maxBytes);
      } catch (error) {
        throw fromDockerError(error, doing);
      }
    },
  };
}

/** Reads files below `/workspace` of a run's container; those that are missing are left out. */
export async function readRunFiles(
  engine: Engine,
  container: string,
  paths: readonly string[],
): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  for (const path of paths) {
    const bytes = await readContainerFile(engine, container, `/workspace/${path}`);
    if (bytes !== undefined) files[path] = bytes;
  }
  return files;
}

/**
 * Reads files out of a named volume through a container that is created from `image`, never started, and removed.
 * Undefined when the volume is not there.
 */
export async function readVolumeFiles(
  engine: Engine,
  source: { volume: string; image: string },
  paths: readonly string[],
): Promise<Record<string, Buffer> | undefined> {
  const present = await ifPresent(`inspect volume ${source.volume}`, () =>
    engine.docker.getVolume(source.volume).inspect(),
  );
  if (present === undefined) return undefined;
  const container = await dockerCall(`open volume ${source.volume}`, () =>
    engine.docker.createContainer({
      Image: source.image,
      Entrypoint: ['/never-started'],
      Labels: createLabels({ purpose: 'read-volume' }),
      HostConfig: {
        NetworkMode: 'none',
        Mounts: [{ Type: 'volume', Source: source.volume, Target: '/workspace' }],
      },
    }),
  );
  try {
    return await readRunFiles(engine, container.id, paths);
  } finally {
    await container.remove({ force: true }).catch(() => undefined);
  }
}
