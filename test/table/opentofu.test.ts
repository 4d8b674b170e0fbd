/** The table of OpenTofu behaviours: every row runs for real and is compared with the bare tool. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { outsideProviderMirror } from '../support/outside-provider.js';
import { startOutsideWorld } from '../support/outside-world.js';
import { testEngine } from '../support/test-engine.js';
import { bareTofu } from '../support/tofu.js';
import { moduleImages } from './module-image.js';
import { buildRows } from './rows/builds.js';
import { changeRows } from './rows/changes.js';
import { checkRows, driftRows } from './rows/drift-and-checks.js';
import { failureRows } from './rows/failures.js';
import { maskRows } from './rows/masks.js';
import { moduleRows } from './rows/modules.js';
import { valueRows } from './rows/values.js';
import { runRow, type TableContext } from './run-row.js';

vi.setConfig({ maxConcurrency: 2 });

let context: TableContext;
const abort = new AbortController();

beforeAll(async () => {
  const [system, mirror, engine] = await Promise.all([
    prepareLocalSystem({
      ...setupSettings(loadConfig(process.env)),
      need: ['tofu', 'opentofu'],
      signal: abort.signal,
      report: () => undefined,
    }),
    outsideProviderMirror(),
    testEngine(),
  ]);
  context = {
    engine,
    tofu: bareTofu(system.tofu, mirror),
    imageOf: moduleImages(engine, system.opentofu, mirror, abort.signal),
    signal: abort.signal,
  };
});
afterAll(() => abort.abort());

describe.concurrent.each([
  { group: 'changes', rows: changeRows },
  { group: 'drift', rows: driftRows },
  { group: 'checks', rows: checkRows },
  { group: 'masks', rows: maskRows },
  { group: 'failures', rows: failureRows },
  { group: 'values', rows: valueRows },
  { group: 'modules', rows: moduleRows },
])('$group', ({ rows }) => {
  test.concurrent.each(rows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    const world = await startOutsideWorld();
    try {
      await runRow(context, row, world);
    } finally {
      await world.close();
    }
  });
});

describe.concurrent('builds that fail', () => {
  test.concurrent.each(buildRows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    const error: unknown = await context.imageOf(row.files).then(
      (image) => `an image was built: ${image}`,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'BuildFailed' });
    const { detail } = error as { detail: { logTail?: string } };
    for (const text of row.says) expect(detail.logTail).toMatch(text);
  });
});
