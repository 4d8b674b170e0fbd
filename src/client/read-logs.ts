/** The log of an operation, read from the workers' HTTP endpoint. */
import { logChunkSchema, type LogChunk } from '../contract/log.js';
import { CodedError } from '../errors.js';

/** Seconds that the endpoint may wait for more before it answers. */
const WAIT = 10;

/** Chunks of a log from a number on; when there is none yet it may wait a while for one, until `wait` fires. */
export type ReadChunks = (from: number, wait: AbortSignal | undefined) => AsyncIterable<LogChunk>;

/** Reads chunks by a signed link. Throws `LogsUnavailable` when the endpoint can't be reached or refuses the link. */
export function chunksByLink(link: string, signal: AbortSignal | undefined): ReadChunks {
  return async function* (from, wait) {
    const url = new URL(link);
    url.searchParams.set('from', String(from));
    if (wait !== undefined) url.searchParams.set('wait', String(WAIT));
    const ends = [signal, wait].filter((end) => end !== undefined);
    const response = await fetch(url, { signal: AbortSignal.any(ends) }).catch((cause: unknown) => {
      for (const end of ends) end.throwIfAborted();
      throw unavailable(`nothing answers at ${url.origin}`, cause);
    });
    if (!response.ok || response.body === null) {
      const { error } = (await response.json().catch(() => ({}))) as { error?: string };
      throw unavailable(error ?? `${url.origin} answered ${response.status}`);
    }
    for await (const line of lines(response.body)) yield logChunkSchema.parse(JSON.parse(line));
  };
}

/** Not by `readline`: what breaks off there reaches nobody. */
async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let open = '';
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const parts = text.split('\n');
    parts[0] = open + (parts[0] ?? '');
    open = parts.pop() ?? '';
    yield* parts;
  }
}

/** All chunks so far; with `over` those that come, too, until it has fired and the last one is read. */
export async function* followChunks(
  read: ReadChunks,
  over?: AbortSignal,
): AsyncGenerator<LogChunk> {
  let next = 0;
  for (;;) {
    const wait = over?.aborted === false ? over : undefined;
    try {
      for await (const chunk of read(next, wait)) {
        yield chunk;
        next = chunk.number + 1;
      }
    } catch (error) {
      // The end came while the next chunk was waited for: what is left is read without waiting.
      if (wait?.aborted !== true) throw error;
    }
    if (wait === undefined) return;
  }
}

/** The operation has no link to its log. */
export function logsUnavailable(): CodedError {
  return unavailable('the workers had no HTTP endpoint when the operation began');
}

function unavailable(why: string, cause?: unknown): CodedError {
  return new CodedError(
    'LogsUnavailable',
    `the log can't be read: ${why}; the workers serve logs where CLDCTL_HTTP_URL leads`,
    { cause },
  );
}
