/** Rows of the table through a worker: planned, approved, applied and recorded, and compared with the bare tool in the same way. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { freePort } from '../../src/setup/free-port.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import type { Store } from '../../src/store/open-store.js';
import { createLocalSystem, type LocalSystem } from '../support/local-system.js';
import { outsideProviderMirror } from '../support/outside-provider.js';
import { startOutsideWorld } from '../support/outside-world.js';
import { bareTofu } from '../support/tofu.js';
import { moduleImages } from './module-image.js';
import type { Row } from './row.js';
import { changeRows } from './rows/changes.js';
import { checkRows, driftRows, manyDriftedRow } from './rows/drift-and-checks.js';
import { failureRows } from './rows/failures.js';
import { maskRows } from './rows/masks.js';
import { valueRows } from './rows/values.js';
import { runRow, type TableContext } from './run-row.js';
import { workerRunner } from './worker-runner.js';

vi.setConfig({ maxConcurrency: 2 });

const NAMES = [
  'a create fails with a secret in its message: the rest of the chain is not reached, the next plan goes on',
  'replace, new one first',
  'a tainted object is replaced',
  'import by the request',
  'forget: out of the state, not out of the world',
  'sensitive values: whole, in a list, in an object, in a map, in an output',
  'a check block that fails is told and stops nothing',
  'a precondition, a validation and a postcondition that fail',
  'drift beside changes: an attribute that comes back, and one that changes on both sides',
  'refresh: what changed outside, and its acceptance into the state',
  'a variable, an output and members of values that are called __proto__',
  'five megabytes of input',
];

let system: LocalSystem;
let store: Store;
let secretsDirectory: string;
let context: TableContext;
const abort = new AbortController();

beforeAll(async () => {
  const port = await freePort();
  secretsDirectory = await mkdtemp(join(tmpdir(), 'table-secrets-'));
  const [parts, mirror] = await Promise.all([
    prepareLocalSystem({
      ...setupSettings(loadConfig(process.env)),
      need: ['tofu', 'opentofu'],
      signal: abort.signal,
      report: () => undefined,
    }),
    outsideProviderMirror(),
  ]);
  system = await createLocalSystem({
    env: {
      CLDCTL_HTTP_ADDRESS: `127.0.0.1:${port}`,
      CLDCTL_SECRETS_DIR: secretsDirectory,
      CLDCTL_HTTP_URL: `http://127.0.0.1:${port}`,
    },
  });
  await system.startWorker();
  store = await system.openStore();
  context = {
    tofu: bareTofu(parts.tofu, mirror),
    imageOf: moduleImages(system.engine, parts.opentofu, mirror, abort.signal),
    runnerOf: (row, world) => workerRunner(system, { store, secretsDirectory }, row, world),
  };
});
afterAll(async () => {
  abort.abort();
  store.close();
  await system.close();
  await rm(secretsDirectory, { recursive: true, force: true });
});

const all = [...changeRows, ...driftRows, ...checkRows, ...maskRows, ...failureRows, ...valueRows];
const rows: readonly Row[] = [
  ...NAMES.map((name) => all.find((row) => row.name === name) ?? { name, files: {}, steps: [] }),
  manyDriftedRow,
];

test('every row that is named is one of the table', () => {
  expect(rows.filter(({ steps }) => steps.length === 0)).toEqual([]);
});

describe.concurrent('through a worker', () => {
  test.concurrent.each(rows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    const world = await startOutsideWorld();
    try {
      await runRow(context, row, world);
    } finally {
      await world.close();
    }
  });
});
