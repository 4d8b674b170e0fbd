import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import Docker from 'dockerode';
import * as tar from 'tar-stream';
import { CodedError } from '../errors.js';

/** What a set-up asks of a Docker engine. */
export interface SetupEngine {
  version: string;
  hasImage(reference: string): Promise<boolean>;
  pull(reference: string, signal: AbortSignal, progress: (line: string) => void): Promise<void>;
  /** Makes an image of one layer from a root file system as a tar stream. */
  importRootFilesystem(stream: Readable, reference: string): Promise<void>;
  build(options: BuildOptions): Promise<void>;
  tag(reference: string, repository: string, tag: string): Promise<void>;
  /** One file out of an image, without running it. */
  readFile(image: string, path: string, platform?: string): Promise<Buffer>;
}

/** A build of one image from a context that is held in memory or read from files. */
export interface BuildOptions {
  tag: string;
  context: Readable;
  buildArgs?: Record<string, string>;
  labels?: Record<string, string>;
  signal: AbortSignal;
  progress: (line: string) => void;
}

/** Connects to the engine of the environment (`DOCKER_HOST`, else the default socket); `undefined` when none answers. */
export async function connectEngine(): Promise<SetupEngine | undefined> {
  const docker = new Docker();
  try {
    const { Version: version } = await docker.version();
    return setupEngine(docker, version);
  } catch {
    return undefined;
  }
}

function setupEngine(docker: Docker, version: string): SetupEngine {
  const follow = (stream: NodeJS.ReadableStream, progress: (line: string) => void): Promise<void> =>
    followProgress(docker, stream, progress);
  return {
    version,
    async hasImage(reference) {
      try {
        await docker.getImage(reference).inspect();
        return true;
      } catch (error) {
        if ((error as { statusCode?: number }).statusCode === 404) return false;
        throw error;
      }
    },
    async pull(reference, signal, progress) {
      const stream = await docker.createImage({ fromImage: reference, abortSignal: signal });
      await follow(stream, progress);
    },
    async importRootFilesystem(stream, reference) {
      const [repo, tag] = splitTag(reference);
      const answer = await docker.importImage(stream, { repo, tag });
      await follow(answer, () => undefined);
    },
    async build({ tag, context, buildArgs, labels, signal, progress }) {
      const stream = await docker.buildImage(context, {
        t: tag,
        rm: true,
        forcerm: true,
        abortSignal: signal,
        ...(buildArgs === undefined ? {} : { buildargs: buildArgs }),
        ...(labels === undefined ? {} : { labels }),
      });
      await follow(stream, progress);
    },
    async tag(reference, repository, tag) {
      await docker.getImage(reference).tag({ repo: repository, tag });
    },
    async readFile(image, path) {
      const container = await docker.createContainer({ Image: image, Cmd: ['/unused'] });
      try {
        return await firstFile(await container.getArchive({ path }));
      } finally {
        await container.remove({ force: true, v: true });
      }
    },
  };
}

function followProgress(
  docker: Docker,
  stream: NodeJS.ReadableStream,
  progress: (line: string) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    docker.modem.followProgress(
      stream,
      (error, events: { error?: string; errorDetail?: { message?: string } }[] | null) => {
        const failed = events?.find((event) => event.errorDetail ?? event.error);
        const message = error?.message ?? failed?.errorDetail?.message ?? failed?.error;
        if (message === undefined) resolve();
        else reject(error?.name === 'AbortError' ? error : new CodedError('SetupFailed', message));
      },
      (event: { stream?: string; status?: string; id?: string }) => {
        const line = (event.stream ?? event.status ?? '').trim();
        if (line !== '') progress(line);
      },
    );
  });
}

async function firstFile(archive: NodeJS.ReadableStream): Promise<Buffer> {
  const extract = tar.extract();
  const chunks: Buffer[] = [];
  extract.on('entry', (header, stream, next) => {
    if (header.type === 'file') stream.on('data', (chunk) => chunks.push(chunk as Buffer));
    stream.on('end', next);
    stream.resume();
  });
  await pipeline(archive.pipe(new PassThrough()), extract);
  return Buffer.concat(chunks);
}

function splitTag(reference: string): [repository: string, tag: string] {
  const colon = reference.lastIndexOf(':');
  return [reference.slice(0, colon), reference.slice(colon + 1)];
}
