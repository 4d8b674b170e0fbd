import type { Route } from './context.js';
import { registryHost } from './image-names.js';

const limitMilliseconds = 3_000;

/**
 * Whether public images are in reach, found out by one request to the registry of `image` (any HTTP answer of its API counts).
 * Not by name resolution: a proxy that answers for every name with an error page is not a registry.
 */
export async function chooseRoute(
  image: string,
  signal: AbortSignal,
  limit: number = limitMilliseconds,
): Promise<Route> {
  const host = registryHost(image);
  const local = /^(localhost|127\.[\d.]+|\[::1\])(:\d+)?$/.test(host);
  try {
    const answer = await fetch(`${local ? 'http' : 'https'}://${host}/v2/`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(limit)]),
      redirect: 'manual',
    });
    await answer.body?.cancel();
    const isRegistry =
      answer.headers.has('docker-distribution-api-version') ||
      answer.status === 200 ||
      (answer.status === 401 && answer.headers.has('www-authenticate'));
    return isRegistry ? 'public' : 'source';
  } catch {
    signal.throwIfAborted();
    return 'source';
  }
}
