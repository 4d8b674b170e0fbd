/** Pushing what was built, the images of several platforms as one. */
import type { Config } from '../config.js';
import type { Engine } from '../docker/engine.js';
import { imageAuth } from '../docker/image-auth.js';
import { pushImage, type Transfer, type TransferEvent } from '../docker/push.js';
import { pushIndex, type PlatformImage } from '../docker/registry-manifest.js';
import { platformTag } from './build-platforms.js';
import { withRetries } from './retry.js';

export interface PushOptions {
  /** Those that were built: several are pushed each under its own tag, then as one index under that of the reference. */
  readonly platforms?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TransferEvent) => void;
}

/** Pushes under a reference; what the registry's absence breaks is tried again. Throws as `pushImage`. */
export async function pushBuilt(
  engine: Engine,
  config: Config,
  reference: string,
  { platforms = [], signal = new AbortController().signal, onEvent }: PushOptions,
): Promise<{ reference: string; digest: string }> {
  const auth = await imageAuth(reference, config.docker.environment);
  const attempt: Attempt = (call) =>
    withRetries(call, {
      signal,
      onRetry: ({ message }, pause) =>
        onEvent?.({ message: `again in ${pause / 1000} s: ${message}` }),
    });
  const watched = { signal, ...(onEvent === undefined ? {} : { onEvent }) };
  return pushPlatforms(engine, { reference, auth, platforms }, watched, attempt);
}

/** Makes one request of several to the registry. */
type Attempt = <T>(call: () => Promise<T>) => Promise<T>;

/**
 * Pushes an image under its reference; those of several platforms each under a tag of its own, and then the index over them under the
 * reference. Throws as `pushImage`.
 */
export async function pushPlatforms(
  engine: Engine,
  { reference, auth, platforms }: Transfer & { readonly platforms: readonly string[] },
  watched: { readonly signal: AbortSignal; readonly onEvent?: (event: TransferEvent) => void },
  attempt: Attempt = (call) => call(),
): Promise<{ reference: string; digest: string }> {
  const pushOne = (name: string): Promise<{ reference: string; digest: string }> =>
    attempt(() => pushImage(engine, { reference: name, auth }, watched));
  if (platforms.length < 2) return pushOne(reference);
  const images: PlatformImage[] = [];
  // The same images are the same index, in whichever order they were named.
  for (const platform of [...platforms].sort())
    images.push({
      platform,
      reference: (await pushOne(platformTag(reference, platform))).reference,
    });
  return attempt(() => pushIndex(engine, { reference, auth, images }, watched));
}
