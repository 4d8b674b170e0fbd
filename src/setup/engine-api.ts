import type { Readable } from 'node:stream';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type Docker from 'dockerode';
import * as tar from 'tar-stream';
import { connectEngine, type Engine } from '../docker/engine.js';
import { packArchive } from '../docker/archive.js';
import { dockerCall, ifPresent } from '../docker/docker-error.js';
import { createLabels } from '../docker/labels.js';
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
  readFile(image: string, path: string): Promise<Buffer>;
  /** Runs a server in a container, its port published on the loopback interface; returns what removes it with its data. */
  startService(options: ServiceOptions): Promise<() => Promise<void>>;
}

/** A server of the set-up that runs in a container. */
export interface ServiceOptions {
  image: string;
  role: string;
  environment: Readonly<Record<string, string>>;
  /** A file that is put into the container before it starts; `path` without the leading slash. */
  file: { path: string; bytes: string };
  port: number;
  publishedPort: number;
}

/** A build of one image from a context stream (uncompressed tar). */
export interface BuildOptions {
  tag: string;
  context: Readable;
  buildArgs?: Record<string, string>;
  labels?: Record<string, string>;
  signal: AbortSignal;
  progress: (line: string) => void;
}

/** Connects to the engine that `DOCKER_HOST`, `DOCKER_CONTEXT` or the docker command's configuration names. Throws as `connectEngine`. */
export async function connectSetupEngine(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<SetupEngine> {
  return setupEngine(await connectEngine({ environment }));
}

function setupEngine({ docker, version }: Engine): SetupEngine {
  const follow = (stream: NodeJS.ReadableStream, progress: (line: string) => void): Promise<void> =>
    followProgress(docker, stream, progress);
  return {
    version,
    async hasImage(reference) {
      const found = await ifPresent(`look for image ${reference}`, () =>
        docker.getImage(reference).inspect(),
      );
      return found !== undefined;
    },
    async pull(reference, signal, progress) {
      const stream = await dockerCall(`pull ${reference}`, () =>
        docker.createImage({ fromImage: reference, abortSignal: signal }),
      );
      await follow(stream, progress);
    },
    async importRootFilesystem(stream, reference) {
      const [repo, tag] = splitTag(reference);
      await follow(await docker.importImage(stream, { repo, tag }), () => undefined);
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
    async startService({ image, environment, file, port, publishedPort, role }) {
      const container = await docker.createContainer({
        Image: image,
        Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
        ExposedPorts: { [`${port}/tcp`]: {} },
        Labels: createLabels({ purpose: role }),
        HostConfig: {
          PortBindings: {
            [`${port}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: String(publishedPort) }],
          },
        },
      });
      const remove = (): Promise<void> => container.remove({ force: true, v: true });
      try {
        const entry = { name: file.path, bytes: file.bytes, mode: 0o644, uid: 0, gid: 0 };
        await container.putArchive(await packArchive([entry]), { path: '/' });
        await container.start();
        return remove;
      } catch (error) {
        await remove();
        throw error;
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
