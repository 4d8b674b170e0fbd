/**
 * Faults by the hundred: operations side by side are struck in the middle of what they do, and then it is counted what really
 * happened outside. `FAULT_SEED` (default 1, and rounds that once failed) picks what is drawn, `FAULT_COUNT` (default 40) how
 * many, `FAULT_MINUTES` ends it earlier. A round that fails is listed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { drawRounds, type OperationFault } from './faults/draw.js';
import { startFaultSystem, type FaultSystem } from './faults/fault-system.js';
import { conclude, judge, reach } from './faults/run-draw.js';

const WIDTH = 8;
/** Milliseconds that a cut or a broken disk lasts once the tools go on. */
const LASTS = 4000;
const seed = Number(process.env['FAULT_SEED'] ?? 1);
const count = Number(process.env['FAULT_COUNT'] ?? 40);
const until = Date.now() + 60_000 * Number(process.env['FAULT_MINUTES'] ?? 600);
const tally = new Map<string, number>();
let faults: FaultSystem;

beforeAll(async () => {
  faults = await startFaultSystem(WIDTH);
});
afterAll(() => faults?.close());

/** Seed and number of rounds that failed once. */
const FAILED = [[402, 8]] as const;
const listed = FAILED.flatMap(([of, number]) =>
  drawRounds(of, number * WIDTH, WIDTH).slice(number - 1),
);
const rounds = [
  ...drawRounds(seed, count, WIDTH),
  ...(process.env['FAULT_SEED'] === undefined ? listed : []),
];

test.each(rounds)(
  '$title',
  async ({ shared, draws }) => {
    if (Date.now() > until) return void tally.set('not begun', (tally.get('not begun') ?? 0) + 1);
    const struck = await Promise.all(draws.map((draw) => reach(faults, draw)));
    const mend = shared === undefined ? undefined : await faults.inject(shared);
    if (shared === undefined)
      await Promise.all(
        struck.map(({ draw, started }) => faults.injectInto(draw.fault as OperationFault, started)),
      );
    for (const { held } of struck) held.release();
    await delay(mend === undefined ? 0 : LASTS);
    await mend?.();
    const ended = await Promise.all(struck.map((each) => conclude(faults, each)));
    for (const { draw, first, asked } of ended) {
      const told = `${draw.fault}: ${first}${asked ? ', then a person was asked' : ''}`;
      tally.set(told, (tally.get(told) ?? 0) + 1);
    }
    expect(ended.flatMap(judge)).toEqual([]);
    // Ended ones may stay for a while: a preview whose worker died, and a run that was lost, for a look at it.
    await expect
      .poll(async () => (await faults.engine.engine.docker.listContainers()).length, {
        timeout: 60_000,
        message: 'containers that still run',
      })
      .toBe(0);
  },
  600_000,
);

test('what happened, in numbers', () => {
  console.log(JSON.stringify(Object.fromEntries([...tally].sort()), null, 1));
  expect(tally.size).toBeGreaterThan(0);
});
