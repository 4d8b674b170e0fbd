import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker, type bundleWorkflowCode } from '@temporalio/worker';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../../src/setup/package-root.js';
import { bundleWorkflows } from '../../../src/temporal/bundle-workflows.js';

const directory = join(packageRoot(), 'test', 'fixtures', 'histories');
const names = readdirSync(directory).filter((name) => name.endsWith('.json'));
let bundle: Awaited<ReturnType<typeof bundleWorkflowCode>>;

beforeAll(async () => {
  bundle = (await bundleWorkflows()) as typeof bundle;
}, 60_000);

test('there are histories of the ways in which an operation ends', () => {
  for (const outcome of [
    'succeeded',
    'no-changes',
    'rejected',
    'superseded',
    'canceled',
    'failed',
    'duplicate',
  ]) {
    expect(
      names.some((name) => name.includes(`-${outcome}-`)),
      outcome,
    ).toBe(true);
  }
});

test.each(names)(
  '%s is replayed by the workflow of today',
  async (name) => {
    const history = historyFromJSON(JSON.parse(readFileSync(join(directory, name), 'utf8')));
    await Worker.runReplayHistory({ workflowBundle: bundle }, history);
  },
  30_000,
);
