/** The table of OpenTofu behaviours: every row runs for real and is compared with the bare tool. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { outsideProviderMirror } from '../support/outside-provider.js';
import { startOutsideWorld } from '../support/outside-world.js';
import { testEngine } from '../support/test-engine.js';
import { bareTofu } from '../support/tofu.js';
import { createBuilder } from '../../src/standalone/builder.js';
import type { Engine } from '../../src/docker/engine.js';
import { containerRunner } from './container-runner.js';
import { builtImages, moduleImages } from './module-image.js';
import { outside, type Row } from './row.js';
import { buildRows } from './rows/builds.js';
import { changeRows } from './rows/changes.js';
import { checkRows, driftRows } from './rows/drift-and-checks.js';
import { failureRows } from './rows/failures.js';
import { maskRows } from './rows/masks.js';
import { moduleRows } from './rows/modules.js';
import { valueRows } from './rows/values.js';
import { runRow, type TableContext } from './run-row.js';

vi.setConfig({ maxConcurrency: 2 });

let engine: Engine;
let context: TableContext;
/** Images as the product's builder makes them. */
let imageBuiltOf: TableContext['imageOf'];
const abort = new AbortController();

beforeAll(async () => {
  const config = loadConfig(process.env);
  const [system, mirror] = await Promise.all([
    prepareLocalSystem({
      ...setupSettings(config),
      need: ['tofu', 'opentofu'],
      signal: abort.signal,
      report: () => undefined,
    }),
    outsideProviderMirror(),
  ]);
  engine = await testEngine();
  context = {
    tofu: bareTofu(system.tofu, mirror),
    imageOf: moduleImages(engine, system.opentofu, mirror, abort.signal),
    runnerOf: (row, world) => containerRunner(engine, row, world, abort.signal),
  };
  const builder = await createBuilder({ engine, config: { ...config, providerMirror: mirror } });
  imageBuiltOf = builtImages(builder, abort.signal);
});
afterAll(() => abort.abort());

describe.concurrent.each([
  { group: 'changes', rows: changeRows },
  { group: 'drift', rows: driftRows },
  { group: 'checks', rows: checkRows },
  { group: 'masks', rows: maskRows },
  { group: 'failures', rows: failureRows },
  { group: 'values', rows: valueRows },
  { group: 'modules', rows: moduleRows, built: true },
])('$group', ({ rows, built = false }: { rows: readonly Row[]; built?: boolean }) => {
  test.concurrent.each(rows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    const world = await startOutsideWorld();
    try {
      await runRow(built ? { ...context, imageOf: imageBuiltOf } : context, row, world);
    } finally {
      await world.close();
    }
  });
});

describe.concurrent('builds that fail', () => {
  test.concurrent.each(buildRows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    const error: unknown = await imageBuiltOf(row.files).then(
      (image) => `an image was built: ${image}`,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'BuildFailed' });
    // The line that counts is the command's, not what the classic builder says while it clears up.
    expect((error as Error).message).not.toContain('Removing intermediate');
    const { detail } = error as { detail: { logTail?: string } };
    for (const text of row.says) expect(detail.logTail).toMatch(text);
  });

  test('a lock file that names another provider than the mirror has; with the right one it is built', async () => {
    const files = outside('resource "outside_thing" "a" {\n  name = "a"\n}\n');
    const lock = await context.tofu.lock(files);
    await imageBuiltOf({ ...files, '.terraform.lock.hcl': lock });
    const other = lock.replace(/"h1:[^"]*"/, `"h1:${Buffer.alloc(32, 1).toString('base64')}"`);
    await expect(imageBuiltOf({ ...files, '.terraform.lock.hcl': other })).rejects.toMatchObject({
      code: 'BuildFailed',
      detail: { logTail: expect.stringMatching(/checksums/) as string },
    });
  });
});
