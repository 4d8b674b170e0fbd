import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { followBuild, type BuildEvent } from '../../../src/docker/build-progress.js';
import { readProgress, type ProgressLine } from '../../../src/docker/progress-lines.js';

function tell(lines: ProgressLine[]): {
  events: BuildEvent[];
  build: ReturnType<typeof followBuild>;
} {
  const build = followBuild();
  return { events: lines.flatMap((line) => [...build.read(line)]), build };
}

/** Protobuf by hand: field number and bytes, or field number and a small integer. */
const bytes = (field: number, value: Buffer | string): Buffer => {
  const body = Buffer.from(value);
  const size = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7];
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...size]), body]);
};
const integer = (field: number, value: number): Buffer => Buffer.from([field << 3, value]);
const trace = (...parts: Buffer[]): ProgressLine => ({
  id: 'moby.buildkit.trace',
  aux: Buffer.concat(parts).toString('base64'),
});
const step = (digest: string, name: string, error = ''): Buffer =>
  bytes(
    1,
    Buffer.concat([
      bytes(1, digest),
      bytes(3, name),
      bytes(5, integer(1, 1)),
      ...(error === '' ? [] : [bytes(7, error)]),
    ]),
  );
const log = (digest: string, at: number, text: string): Buffer =>
  bytes(3, Buffer.concat([bytes(1, digest), bytes(2, integer(1, at)), bytes(4, text)]));

describe('BuildKit', () => {
  test('a step is told once, its output as lines in the order of their times', () => {
    const { events } = tell([
      trace(step('d', '[1/2] RUN x')),
      trace(step('d', '[1/2] RUN x'), log('d', 2, 'later\n'), log('d', 1, 'earlier\n')),
    ]);
    expect(events).toEqual([
      { type: 'step', message: '[1/2] RUN x', cached: false },
      { type: 'log', message: 'earlier' },
      { type: 'log', message: 'later' },
    ]);
  });

  test("a failure carries its own step's lines, not those of a step beside it", () => {
    const { build } = tell([
      trace(step('good', '[a 1/1] RUN fine'), log('good', 1, 'all well\n')),
      trace(
        step('bad', '[b 1/1] RUN broken', 'exit code: 7'),
        log('bad', 2, 'the reason\nunfinished'),
      ),
      trace(step('good', '[a 1/1] RUN fine'), log('good', 3, 'still well\n')),
      { errorDetail: { message: 'executor failed' }, error: 'executor failed' },
    ]);
    expect(build.failure()).toEqual({
      step: '[b 1/1] RUN broken',
      logTail: 'the reason\nunfinished',
      message: 'executor failed',
    });
  });

  test('the image, and what is internal', () => {
    const { events, build } = tell([
      trace(step('i', '[internal] load build definition')),
      { id: 'moby.image.id', aux: { ID: 'sha256:1' } },
    ]);
    expect(events).toEqual([]);
    expect(build.imageId).toBe('sha256:1');
    expect(build.failure()).toBeUndefined();
  });
});

describe('the classic builder', () => {
  test('steps, lines and the image', () => {
    const { events, build } = tell([
      { stream: 'Step 1/2 : FROM x' },
      { stream: '\n' },
      { stream: 'half ' },
      { stream: 'a line\n' },
      { stream: 'Successfully built 0123456789ab\n' },
    ]);
    expect(events).toContainEqual({ type: 'step', message: 'Step 1/2 : FROM x', cached: false });
    expect(events).toContainEqual({ type: 'log', message: 'half a line' });
    expect(build.imageId).toBe('0123456789ab');
  });

  test('a failure told by errorDetail alone, as newer engines do', () => {
    const { build } = tell([
      { stream: 'Step 2/2 : RUN y' },
      { stream: 'the reason\n' },
      { errorDetail: { message: 'returned a non-zero code: 7' } },
    ]);
    expect(build.failure()).toEqual({
      step: 'Step 2/2 : RUN y',
      logTail: 'the reason',
      message: 'returned a non-zero code: 7',
    });
  });
});

test('lines are read over cuts inside characters, and what is no JSON is passed on', async () => {
  const whole = Buffer.from('{"stream":"ä€😀"}\r\nnot json\n{"status":"last"}');
  const chunks = [...whole].map((byte) => Buffer.from([byte]));
  const lines: ProgressLine[] = [];
  for await (const line of readProgress(Readable.from(chunks))) lines.push(line);
  expect(lines).toEqual([{ stream: 'ä€😀' }, { stream: 'not json\n' }, { status: 'last' }]);
});
