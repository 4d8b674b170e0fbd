import type { Route } from './context.js';
import { registryHost } from './image-names.js';

const limitMilliseconds = 3_000;

/** The route to take: public images when the registry of `image` is in reach, else source. Takes at most `limit` milliseconds. */
export async function chooseRoute(
  image: string,
  signal: AbortSignal,
  limit: number = limitMilliseconds,
): Promise<Route> {
  return (await isRegistry(registryHost(image), signal, limit)) ? 'public' : 'source';
}

/**
 * Whether an image registry answers at `host[:port]`, found out by one request for its API (asking for a login is an answer).
 * Not by name resolution or connecting: a proxy that answers for every name with an error page is not a registry.
 */
export async function isRegistry(
  host: string,
  signal: AbortSignal,
  limit: number = limitMilliseconds,
): Promise<boolean> {
  const isLocal = /^(localhost|127\.[\d.]+|\[::1\])(:\d+)?$/.test(host);
  try {
    const answer = await fetch(`${isLocal ? 'http' : 'https'}://${host}/v2/`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(limit)]),
      redirect: 'manual',
    });
    await answer.body?.cancel();
    return (
      answer.status === 200 ||
      (answer.status === 401 && answer.headers.has('www-authenticate')) ||
      answer.headers.has('docker-distribution-api-version')
    );
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
