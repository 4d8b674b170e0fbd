import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createProgress } from '../../../cli/render/progress.js';
import { formatDuration } from '../../../cli/render/duration.js';
import { createStyle } from '../../../cli/render/style.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watch(live: boolean): { progress: ReturnType<typeof createProgress>; text: () => string } {
  let written = '';
  const progress = createProgress({
    stream: { write: (text: string) => void (written += text), columns: 40 },
    live,
    style: createStyle(false),
    now: () => Date.now(),
  });
  return { progress, text: () => written };
}

describe('progress in a pipe', () => {
  it('writes one line for a quick step', () => {
    const { progress, text } = watch(false);
    progress.start('a', 'build');
    vi.advanceTimersByTime(400);
    progress.end('a', 'done');
    expect(text()).toBe('ok     build  0.4 s\n');
  });

  it('announces a slow step, repeats seldom, and says what it is doing', () => {
    const { progress, text } = watch(false);
    progress.start('a', 'build');
    progress.update('a', 'step 3');
    vi.advanceTimersByTime(10_000);
    progress.end('a', 'failed', 'no space');
    expect(text()).toBe('..     build (1.5 s): step 3\nfailed build  10.0 s  no space\n');
  });
});

describe('progress on a terminal', () => {
  it('draws running steps in place, cut to the width, and keeps lines of others whole', () => {
    const { progress, text } = watch(true);
    progress.start('a', 'a step with a label that is much longer than the terminal');
    expect(text().split('\n')[0]?.length).toBeLessThan(40);
    progress.around(() => undefined);
    expect(text()).toContain('\u001b[1A\u001b[0J');
    progress.drop('a');
    progress.stop();
    expect(text().endsWith('\u001b[1A\u001b[0J')).toBe(true);
  });
});

describe('durations', () => {
  it.each([
    [400, '0.4 s'],
    [59_940, '59.9 s'],
    [59_960, '1 min 00 s'],
    [245_000, '4 min 05 s'],
    [7_380_000, '2 h 03 min'],
    [273_600_000, '3 d 4 h'],
  ])('%i ms are %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});
