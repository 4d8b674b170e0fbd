/**
 * What the work gives, or the signal's reason as soon as it fires: the work is not waited for any more. It may still end, and
 * then nobody asks; so it must be of a kind that a dead worker could leave half done too.
 */
export function orAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
  });
}
