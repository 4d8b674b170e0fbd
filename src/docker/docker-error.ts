/** What a failed call to the engine means, as a coded error. */
import { CodedError } from '../errors.js';

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EACCES',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** HTTP status of a failed engine call; undefined when the engine was not reached. */
export function dockerStatus(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | undefined)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

/** The engine's own words, without dockerode's prefix `(HTTP code 404) no such container - `. */
export function dockerMessage(error: unknown): string {
  const json = (error as { json?: { message?: unknown } | null } | undefined)?.json;
  const message =
    typeof json?.message === 'string'
      ? json.message
      : error instanceof Error
        ? error.message.replace(/^\(HTTP code \d+\) .*? - /, '')
        : String(error);
  return message.trim().replace(/\s+/g, ' ');
}

/** True when the call never got an answer: the engine is away, or went away. */
export function isConnectionError(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
  if (dockerStatus(error) !== undefined) return false;
  return (
    (code !== undefined && CONNECTION_CODES.has(code)) ||
    message === 'aborted' ||
    message === 'socket hang up'
  );
}

/** Codes a failed engine call; `doing` says what was tried, e.g. `start container x`. */
export function fromDockerError(error: unknown, doing: string): Error {
  if (error instanceof CodedError || (error instanceof Error && error.name === 'AbortError')) {
    return error;
  }
  const status = dockerStatus(error);
  const message = `can't ${doing}: ${dockerMessage(error)}`;
  if (isConnectionError(error)) {
    return new CodedError('DockerUnavailable', `${message}; is the Docker engine running?`, {
      cause: error,
    });
  }
  if (status === 404 && /no such image/i.test(message)) {
    return new CodedError('ModuleNotFound', `${message}; build it, or check the name and pull it`, {
      cause: error,
    });
  }
  return new CodedError(
    status !== undefined && status >= 500 ? 'DockerUnavailable' : 'InternalError',
    message,
    { cause: error },
  );
}

/** Runs an engine call; a failure comes out coded. */
export async function dockerCall<T>(doing: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw fromDockerError(error, doing);
  }
}

/** Runs an engine call; `undefined` when the object is not there. */
export async function ifPresent<T>(doing: string, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (dockerStatus(error) === 404) return undefined;
    throw fromDockerError(error, doing);
  }
}
