/** Pushing what was built, the images of several platforms as one. */
import type { Config } from '../config.js';
import type { Engine } from '../docker/engine.js';
import { imageAuth } from '../docker/image-auth.js';
import { pushImage, type TransferEvent } from '../docker/push.js';
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
  options: PushOptions,
): Promise<{ reference: string; digest: string }> {
  const { platforms = [], signal = new AbortController().signal, onEvent } = options;
  const auth = await imageAuth(reference, config.docker.environment);
  const retried = <T>(call: () => Promise<T>): Promise<T> =>
    withRetries(call, {
      signal,
      onRetry: ({ message }, pause) =>
        onEvent?.({ message: `again in ${pause / 1000} s: ${message}` }),
    });
  const pushOne = (name: string): Promise<{ reference: string; digest: string }> =>
    retried(() =>
      pushImage(
        engine,
        { reference: name, auth },
        { signal, ...(onEvent === undefined ? {} : { onEvent }) },
      ),
    );
  if (platforms.length < 2) return pushOne(reference);
  const images: PlatformImage[] = [];
  for (const platform of platforms)
    images.push({
      platform,
      reference: (await pushOne(platformTag(reference, platform))).reference,
    });
  return retried(() => pushIndex(engine, { reference, auth, images }, { signal }));
}
