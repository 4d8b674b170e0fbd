/** Building an image through the engine API: BuildKit where the engine has it, else the classic builder. */
import { Readable } from 'node:stream';
import { CodedError } from '../errors.js';
import { followBuild, type BuildEvent, type BuildProgress } from './build-progress.js';
import { dockerMessage, dockerStatus, fromDockerError } from './docker-error.js';
import type { Engine } from './engine.js';
import { readProgress } from './progress-lines.js';
import { registryFailure } from './registry-error.js';

export type { BuildEvent };

export interface ImageBuild {
  /** The context: an uncompressed tar with the Dockerfile in it. */
  readonly context: AsyncIterable<Uint8Array> | Buffer;
  /** Path of the Dockerfile in the context. */
  readonly dockerfile: string;
  readonly tags: readonly string[];
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** `os/architecture`; default: the engine's. Another one needs BuildKit: the classic builder takes no notice. */
  readonly platform?: string;
  readonly target?: string;
  readonly noCache?: boolean;
  /** Default: the engine's best. */
  readonly builder?: Engine['builder'];
}

/**
 * Builds an image. Throws `BuildFailed` (the failing step, and its last lines in `detail.logTail`), `RegistryDenied` or
 * `RegistryUnavailable` when a base image can't be had, `DockerUnavailable`, and `AbortError` when `signal` fires: the
 * engine then stops the step and keeps no image and no container.
 * Images that the Dockerfile starts from should be on the engine already: credentials are never given to a build, because
 * a builder hands them to every registry that it meets.
 */
export async function buildImage(
  engine: Engine,
  build: ImageBuild,
  deps: { signal: AbortSignal; onEvent?: (event: BuildEvent) => void },
): Promise<{ imageId: string }> {
  deps.signal.throwIfAborted();
  const progress = followBuild();
  const [tag, ...moreTags] = build.tags;
  const context = Buffer.isBuffer(build.context)
    ? Readable.from([build.context])
    : Readable.from(build.context);
  try {
    const stream = (await engine.docker.buildImage(context, {
      dockerfile: build.dockerfile,
      ...(tag === undefined ? {} : { t: tag }),
      ...(build.buildArgs === undefined ? {} : { buildargs: { ...build.buildArgs } }),
      ...(build.labels === undefined ? {} : { labels: { ...build.labels } }),
      ...(build.platform === undefined ? {} : { platform: build.platform }),
      ...(build.target === undefined ? {} : { target: build.target }),
      ...(build.noCache === true ? { nocache: true } : {}),
      // The classic builder else leaves the container of a failed step.
      rm: true,
      forcerm: true,
      abortSignal: deps.signal,
      // As a number: as a string dockerode opens a session, which it leaves open after an error or a cancel.
      ...((build.builder ?? engine.builder) === 'buildkit' ? { version: 2 as unknown as '2' } : {}),
    })) as Readable;
    const stop = (): void => void stream.destroy(deps.signal.reason as Error);
    deps.signal.addEventListener('abort', stop, { once: true });
    try {
      for await (const line of readProgress(stream)) {
        for (const event of progress.read(line)) deps.onEvent?.(event);
      }
    } finally {
      deps.signal.removeEventListener('abort', stop);
    }
  } catch (error) {
    deps.signal.throwIfAborted();
    // The classic builder refuses a Dockerfile that it can't parse with 400.
    if (dockerStatus(error) === 400) throw buildFailed({ message: dockerMessage(error) });
    throw fromDockerError(error, 'build the image');
  } finally {
    context.destroy();
  }
  deps.signal.throwIfAborted();
  const failure = progress.failure();
  if (failure !== undefined) throw buildFailed(failure);
  const imageId = await imageIdOf(engine, tag, progress);
  for (const more of moreTags) await tagImage(engine, imageId, more);
  return { imageId };
}

async function imageIdOf(
  engine: Engine,
  tag: string | undefined,
  progress: BuildProgress,
): Promise<string> {
  const name = tag ?? progress.imageId;
  if (name === undefined) {
    throw new CodedError(
      'BuildFailed',
      'the build ended without an image; look at the engine’s log',
    );
  }
  return (await engine.docker.getImage(name).inspect()).Id;
}

/** Gives an image one more name. */
export async function tagImage(engine: Engine, image: string, reference: string): Promise<void> {
  const colon = reference.lastIndexOf(':');
  const tagged = colon > reference.lastIndexOf('/');
  await engine.docker.getImage(image).tag({
    repo: tagged ? reference.slice(0, colon) : reference,
    tag: tagged ? reference.slice(colon + 1) : 'latest',
  });
}

function buildFailed(failure: { message: string; step?: string; logTail?: string }): CodedError {
  const { message, step = '' } = failure;
  // The classic builder colours standard error.
  const logTail = (failure.logTail ?? '').replace(/\u001b\[[\d;]*m/g, '');
  const gettingBase = step === '' || /load metadata|^Step \d+\/\d+ : FROM/.test(step);
  const registry = gettingBase ? registryFailure(message) : undefined;
  if (registry !== undefined) {
    return new CodedError(registry.code, `can't get a base image: ${registry.message}`);
  }
  const line = message.split('\n')[0]?.trim() ?? '';
  const last = logTail
    .split('\n')
    // The classic builder clears up behind the command's last line.
    .filter((text) => text.trim() !== '' && !/^(Removing intermediate| ?---> )/.test(text))
    .at(-1);
  return new CodedError(
    'BuildFailed',
    step === ''
      ? `the image can't be built: ${line}`
      : `build step ${step} failed: ${last === undefined ? line : `${last.trim()} (${line})`}`,
    { detail: { step, logTail: logTail === '' ? message : logTail } },
  );
}
