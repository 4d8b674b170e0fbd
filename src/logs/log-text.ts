import type { LogChunk, LogLine } from '../contract/log.js';

/** A log as people read it, a piece per chunk: time, step, line; where lines are missing it says so. */
export async function* logText(chunks: AsyncIterable<LogChunk>): AsyncGenerator<string> {
  for await (const chunk of chunks)
    yield chunkLines(chunk)
      .map((line) => `${line}\n`)
      .join('');
}

function chunkLines({ step, lines, dropped }: LogChunk): string[] {
  const lost = dropped === undefined ? [] : [missingLines(dropped)];
  return [...lost, ...lines.map((line) => logLine(step, line))];
}

/** What stands in the place of lines that could not be kept. */
export function missingLines(dropped: number): string {
  return `[${dropped} lines are missing: the store was not in reach]`;
}

function logLine(step: string, { at, text }: LogLine): string {
  return `${at.slice(0, 19)}Z ${step.padEnd(7)} ${text}`;
}
