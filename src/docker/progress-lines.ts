/** The engine's progress streams (build, push, pull): one JSON document per line, failures told inside with HTTP status 200. */

/** One line; which members there are depends on the call, the builder and the engine's version. */
export interface ProgressLine {
  readonly stream?: string;
  readonly status?: string;
  readonly id?: string;
  readonly aux?: unknown;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly errorDetail?: { readonly message?: string; readonly code?: number };
  readonly error?: string;
}

/** Reads lines; splits on bytes, because a chunk may end inside a character. */
export async function* readProgress(source: AsyncIterable<unknown>): AsyncGenerator<ProgressLine> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    rest = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    let start = 0;
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a, start)) {
      const line = parseLine(rest.toString('utf8', start, end));
      start = end + 1;
      if (line !== undefined) yield line;
    }
    rest = rest.subarray(start);
  }
  const last = parseLine(rest.toString('utf8'));
  if (last !== undefined) yield last;
}

function parseLine(text: string): ProgressLine | undefined {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text) as ProgressLine;
  } catch {
    return { stream: `${text}\n` };
  }
}

/** What failed, when a line says so; newer engines leave `error` out, older ones `errorDetail`. */
export function progressError(line: ProgressLine): string | undefined {
  return line.errorDetail?.message ?? line.error;
}
