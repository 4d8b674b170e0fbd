import { describe, expect, it } from 'vitest';
import { createSteps, type StepEvent } from '../../../src/setup/steps.js';

describe('the steps of a set-up', () => {
  const record = (signal = new AbortController().signal) => {
    const events: StepEvent[] = [];
    return { events, steps: createSteps((event) => events.push(event), signal) };
  };

  it('run once however many ask for them', async () => {
    const { steps } = record();
    let runs = 0;
    const ask = () => steps.step('a', async () => ++runs);
    expect(await Promise.all([ask(), ask()])).toEqual([1, 1]);
  });

  it('say their name, their progress, their time and whether there was anything to do', async () => {
    const { events, steps } = record();
    await steps.step('a', async ({ progress, markCached }) => {
      progress('half');
      markCached();
    });
    expect(events).toMatchObject([
      { type: 'start', step: 'a' },
      { type: 'progress', step: 'a', detail: 'half' },
      { type: 'done', step: 'a', cached: true, milliseconds: expect.any(Number) as number },
    ]);
  });

  it('have at most two heavy sections at work', async () => {
    const { steps } = record();
    let inside = 0;
    let most = 0;
    const work = () =>
      steps.heavy(async () => {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
      });
    await Promise.all(Array.from({ length: 7 }, work));
    expect(most).toBe(2);
    expect(inside).toBe(0);
  });

  it('report a failure where it happened, not again in every step that needed it', async () => {
    const { events, steps } = record();
    const outer = steps.step('outer', () =>
      steps.step('inner', () => Promise.reject(new Error('no disk'))),
    );
    await expect(outer).rejects.toThrow('no disk');
    expect(events.filter(({ type }) => type === 'failed')).toMatchObject([
      { step: 'inner', message: 'no disk' },
    ]);
    expect(events.at(-1)).toEqual({ type: 'stopped', step: 'outer' });
  });

  it('do not begin after the set-up was cancelled', async () => {
    const abort = new AbortController();
    const { events, steps } = record(abort.signal);
    abort.abort(new Error('enough'));
    await expect(steps.step('late', () => Promise.resolve())).rejects.toThrow('enough');
    expect(events).toEqual([]);
  });
});
