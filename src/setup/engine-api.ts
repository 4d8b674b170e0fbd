import type { Readable } from 'node:stream';
import { packArchive, readSingleFile } from '../docker/archive.js';
import { buildImage, tagImage } from '../docker/build.js';
import { connectEngine, type Engine } from '../docker/engine.js';
import { findImage } from '../docker/find-image.js';
import { imageAuth } from '../docker/image-auth.js';
import { createLabels } from '../docker/labels.js';
import { progressError, readProgress } from '../docker/progress-lines.js';
import { pullImage, type TransferEvent } from '../docker/push.js';
import { platformReference } from '../docker/registry-manifest.js';
import { CodedError } from '../errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Larger than any executable that is taken out of an image. */
const largestFile = 1 << 30;

/** What a set-up asks of a Docker engine. */
export interface SetupEngine {
  version: string;
  /** `os/architecture` as images write it. */
  platform: string;
  hasImage(reference: string): Promise<boolean>;
  pull(reference: string, signal: AbortSignal, progress: (line: string) => void): Promise<void>;
  /** Pulls the image of one platform under a name of its own: the name it was pulled by stays with the engine's platform. */
  pullPlatform(
    image: { reference: string; platform: string; as: string },
    signal: AbortSignal,
    progress: (line: string) => void,
  ): Promise<void>;
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
  /** Default: the engine's. */
  platform?: string;
  /** Default: `Dockerfile`. */
  dockerfile?: string;
  signal: AbortSignal;
  progress: (line: string) => void;
}

/** Connects to the engine that `DOCKER_HOST`, `DOCKER_CONTEXT` or the docker command's configuration names. Throws as `connectEngine`. */
export async function connectSetupEngine(environment: Environment): Promise<SetupEngine> {
  return setupEngine(await connectEngine({ environment }), environment);
}

function setupEngine(engine: Engine, environment: Environment): SetupEngine {
  const { docker, version, platform } = engine;
  const pull = async (
    reference: string,
    signal: AbortSignal,
    progress: (line: string) => void,
  ): Promise<void> => {
    const auth = await imageAuth(reference, environment);
    const onEvent = ({ message, layer }: TransferEvent): void =>
      progress(layer === undefined ? message : `${layer}: ${message}`);
    await pullImage(engine, { reference, auth }, { signal, onEvent });
  };
  return {
    version,
    platform,
    async hasImage(reference) {
      return (await findImage(engine, reference)) !== undefined;
    },
    pull,
    async pullPlatform({ reference, platform, as }, signal, progress) {
      const auth = await imageAuth(reference, environment);
      const fixed = await platformReference(engine, { reference, auth }, platform, signal);
      await pull(fixed, signal, progress);
      await tagImage(engine, fixed, as);
    },
    async importRootFilesystem(stream, reference) {
      const [repo, tag] = splitTag(reference);
      const lines = await docker.importImage(stream, { repo, tag });
      for await (const line of readProgress(lines as Readable)) {
        const error = progressError(line);
        if (error !== undefined) throw new CodedError('SetupFailed', `import of ${repo}: ${error}`);
      }
    },
    async build({ tag, context, dockerfile = 'Dockerfile', buildArgs, labels, ...more }) {
      await buildImage(
        engine,
        {
          context,
          dockerfile,
          tags: [tag],
          buildArgs: { ...buildArgs },
          labels: { ...labels },
          ...(more.platform === undefined ? {} : { platform: more.platform }),
        },
        { signal: more.signal, onEvent: ({ message }) => more.progress(message) },
      );
    },
    async tag(reference, repository, tag) {
      await tagImage(engine, reference, `${repository}:${tag}`);
    },
    async readFile(image, path) {
      const container = await docker.createContainer({ Image: image, Cmd: ['/unused'] });
      try {
        const archive = await container.getArchive({ path });
        return await readSingleFile(archive, path, largestFile);
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

function splitTag(reference: string): [repository: string, tag: string] {
  const colon = reference.lastIndexOf(':');
  return [reference.slice(0, colon), reference.slice(colon + 1)];
}
