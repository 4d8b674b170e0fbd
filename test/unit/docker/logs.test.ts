import { Readable } from 'node:stream';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readLogLines, sinceAfter, type LogLine } from '../../../src/docker/logs.js';

const AT = '2026-01-02T03:04:05.000000006Z';

function frame(stream: 1 | 2, text: string, at = AT): Buffer {
  const payload = Buffer.from(`${at} ${text}`);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}
async function read(...chunks: Buffer[]): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of readLogLines(Readable.from(chunks))) lines.push(line);
  return lines;
}
const texts = (lines: LogLine[]): string[] => lines.map(({ text }) => text);

describe('lines of a log', () => {
  test('tell their stream and time', async () => {
    expect(await read(frame(1, 'out\n'), frame(2, 'err\n'))).toEqual([
      { stream: 'stdout', at: AT, text: 'out' },
      { stream: 'stderr', at: AT, text: 'err' },
    ]);
  });

  test('a hundred thousand frames in one chunk', async () => {
    const many = Buffer.concat(Array.from({ length: 100_000 }, () => frame(1, 'x\n')));
    expect((await read(many)).length).toBe(100_000);
  });

  test('a line in pieces is one line, also beside the other stream', async () => {
    const lines = await read(frame(1, 'one '), frame(2, 'err\n'), frame(1, 'line\n'));
    expect(texts(lines)).toEqual(['err', 'one line']);
  });

  test('a last line without an end counts', async () => {
    expect(texts(await read(frame(1, 'no end')))).toEqual(['no end']);
  });

  test('empty lines and carriage returns', async () => {
    expect(texts(await read(frame(1, '\n'), frame(1, 'a\r\n')))).toEqual(['', 'a']);
  });

  test('come the same however the stream is cut', async () => {
    const whole = Buffer.concat([
      frame(1, 'first ä€😀\n'),
      frame(2, 'second\n'),
      frame(1, 'third '),
      frame(1, 'goes on\n'),
    ]);
    const expected = await read(whole);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(whole.length), { maxLength: 20 }), async (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), whole.length];
        const chunks = at.slice(1).map((end, index) => whole.subarray(at[index], end));
        expect(await read(...chunks)).toEqual(expected);
      }),
    );
  });
});

test('the next line begins a nanosecond later', () => {
  expect(sinceAfter('1970-01-01T00:00:01.000000001Z')).toBe('1.000000002');
  expect(sinceAfter('1970-01-01T00:00:01.999999999Z')).toBe('2.000000000');
  expect(sinceAfter('1970-01-01T00:00:01Z')).toBe('1.000000001');
  expect(sinceAfter('1970-01-01T00:00:01.5Z')).toBe('1.500000001');
});
