/** A log over HTTP: text for people, chunks as NDJSON for programs that follow it. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { LogChunk } from '../contract/log.js';
import { logText } from '../logs/log-text.js';
import { readChunks, type LogOwner } from '../logs/log-store.js';
import type { Store } from '../store/open-store.js';
import { HEADERS, sendJson } from './send-json.js';

/** Most seconds that a request may wait for the next chunk. */
const LONGEST_WAIT = 30;

/**
 * Sends the log of a run. Without a query: all of it, as text. `from=N`: chunks from that number on, one a line;
 * `wait=S`: when it is not there yet, at most S seconds (up to 30) later.
 */
export async function sendLog(
  store: Pick<Store, 'objects'>,
  owner: LogOwner,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const from = query.get('from');
  const wait = query.get('wait') ?? '0';
  if (!/^\d{1,9}$/.test(from ?? '0') || !/^\d{1,3}$/.test(wait)) {
    sendJson(response, 400, { error: 'from is the number of a chunk, wait a number of seconds' });
    return;
  }
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const chunks = readChunks(store, owner, {
    from: Number(from ?? 0),
    waitMs: Math.min(Number(wait), LONGEST_WAIT) * 1000,
    signal: gone.signal,
  });
  response.writeHead(200, {
    ...HEADERS,
    'content-type':
      from === null ? 'text/plain; charset=utf-8' : 'application/x-ndjson; charset=utf-8',
  });
  const body = from === null ? logText(chunks) : ndjson(chunks);
  await pipeline(Readable.from(body), response).catch((error: unknown) => {
    if (!gone.signal.aborted) throw error;
  });
}

async function* ndjson(chunks: AsyncIterable<LogChunk>): AsyncGenerator<string> {
  for await (const chunk of chunks) yield `${JSON.stringify(chunk)}\n`;
}
