/** Pushing and pulling images; afterwards they are known by the registry's digest. */
import type { Readable } from 'node:stream';
import { digestSchema } from '../contract/request.js';
import { CodedError } from '../errors.js';
import { dockerMessage, fromDockerError, isConnectionError } from './docker-error.js';
import type { Engine } from './engine.js';
import { parseReference } from './image-reference.js';
import { progressError, readProgress, type ProgressLine } from './progress-lines.js';
import type { RegistryAuth } from './registry-auth.js';
import { registryError } from './registry-error.js';

/** One line about a layer or the whole, and how far it is. */
export interface TransferEvent {
  readonly message: string;
  readonly layer?: string;
  readonly current?: number;
  readonly total?: number;
}

export interface Transfer {
  readonly reference: string;
  /** Credentials for the reference's own host; absent: anonymous. */
  readonly auth?: RegistryAuth | undefined;
}

interface TransferDependencies {
  readonly signal: AbortSignal;
  readonly onEvent?: (event: TransferEvent) => void;
}

/**
 * Pushes a tagged image. Layers that the registry has are not sent again, so a push that broke goes on where it was.
 * Throws `RegistryDenied`, `RegistryUnavailable`, `ModuleNotFound` (no such tag here), `InvalidInput` and `AbortError`.
 */
export async function pushImage(
  engine: Engine,
  { reference, auth }: Transfer,
  deps: TransferDependencies,
): Promise<{ digest: string; reference: string }> {
  const { repository, tag = 'latest' } = parseReference(reference);
  let digest: string | undefined;
  // Without a tag the engine pushes every tag of the repository.
  await transfer(
    `push ${reference}`,
    deps,
    (abortSignal) =>
      engine.docker
        .getImage(repository)
        .push({ tag, authconfig: { ...auth }, abortSignal } as object),
    (line) => {
      const aux = line.aux as { Digest?: string } | undefined;
      // The containerd image store gives no `aux`, only the line for people.
      digest =
        aux?.Digest ?? /digest: (sha256:[0-9a-f]{64})/.exec(line.status ?? '')?.[1] ?? digest;
    },
  );
  digest ??= await registryDigest(engine, { reference, auth });
  return { digest, reference: `${repository}@${digest}` };
}

/** Asks the registry (through the engine) for the digest of what a reference names. Throws as `pushImage`. */
export async function registryDigest(engine: Engine, transfer: Transfer): Promise<string> {
  return (await describeManifest(engine, transfer)).digest;
}

/** Asks the registry (through the engine) what a reference names. Throws as `pushImage`. */
export async function describeManifest(
  engine: Engine,
  { reference, auth }: Transfer,
): Promise<{ mediaType: string; digest: string; size: number }> {
  try {
    const answer = (await engine.docker
      .getImage(reference)
      .distribution({ authconfig: { ...auth } } as object)) as {
      Descriptor: { mediaType: string; digest: string; size: number };
    };
    const { mediaType, digest, size } = answer.Descriptor;
    return { mediaType, digest: digestSchema.parse(digest), size };
  } catch (error) {
    if (isConnectionError(error)) throw fromDockerError(error, `look up ${reference}`);
    throw registryError(dockerMessage(error), `look up ${reference}`, error);
  }
}

/** Pulls an image by tag or digest. Throws as `pushImage`; `ModuleNotFound` when the registry does not have it. */
export async function pullImage(
  engine: Engine,
  { reference, auth }: Transfer,
  deps: TransferDependencies & { readonly platform?: string },
): Promise<{ digest: string | undefined; imageId: string }> {
  const { repository, tag = 'latest', digest: wanted } = parseReference(reference);
  let digest = wanted;
  await transfer(
    `pull ${reference}`,
    deps,
    (abortSignal) =>
      engine.docker.createImage({ ...auth }, {
        fromImage: repository,
        tag: wanted ?? tag,
        ...(deps.platform === undefined ? {} : { platform: deps.platform }),
        abortSignal,
      } as object),
    (line) => {
      digest ??= /^Digest: (sha256:[0-9a-f]{64})/.exec(line.status ?? '')?.[1];
    },
  );
  const name = wanted === undefined ? `${repository}:${tag}` : `${repository}@${wanted}`;
  return { digest, imageId: (await engine.docker.getImage(name).inspect()).Id };
}

async function transfer(
  doing: string,
  deps: TransferDependencies,
  call: (signal: AbortSignal) => Promise<unknown>,
  read: (line: ProgressLine) => void,
): Promise<void> {
  deps.signal.throwIfAborted();
  try {
    const stream = (await call(deps.signal)) as Readable;
    const stop = (): void => void stream.destroy(deps.signal.reason as Error);
    deps.signal.addEventListener('abort', stop, { once: true });
    try {
      for await (const line of readProgress(stream)) {
        // Told inside the stream, with HTTP status 200.
        const error = progressError(line);
        if (error !== undefined) throw registryError(error, doing);
        read(line);
        if (line.status !== undefined) deps.onEvent?.(event(line));
      }
    } finally {
      deps.signal.removeEventListener('abort', stop);
    }
  } catch (error) {
    deps.signal.throwIfAborted();
    if (error instanceof CodedError) throw error;
    if (isConnectionError(error)) throw fromDockerError(error, doing);
    throw registryError(dockerMessage(error), doing, error);
  }
}

function event({ status = '', id, progressDetail }: ProgressLine): TransferEvent {
  return {
    message: id === undefined ? status : `${id}: ${status}`,
    ...(id === undefined ? {} : { layer: id }),
    ...(progressDetail?.current === undefined ? {} : { current: progressDetail.current }),
    ...(progressDetail?.total === undefined ? {} : { total: progressDetail.total }),
  };
}
