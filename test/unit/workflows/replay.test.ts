import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker, type bundleWorkflowCode } from '@temporalio/worker';
import { beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../../src/setup/package-root.js';
import { bundleWorkflows } from '../../../src/temporal/bundle-workflows.js';

const directory = join(packageRoot(), 'test', 'fixtures', 'histories');
const names = readdirSync(directory).filter((name) => name.endsWith('.json'));
let bundle: Awaited<ReturnType<typeof bundleWorkflowCode>>;

beforeAll(async () => {
  bundle = (await bundleWorkflows()) as typeof bundle;
}, 60_000);

function read(name: string, change: (text: string) => string = (text) => text) {
  const text = change(readFileSync(join(directory, name), 'utf8'));
  const history = historyFromJSON(JSON.parse(text));
  // The id is the lock, and the workflow checks it.
  const workflowId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? '';
  expect(workflowId).not.toBe('');
  return { history, workflowId };
}

test('there are histories of the ways in which an operation ends', () => {
  const outcomes = [
    'succeeded',
    'no-changes',
    'rejected',
    'superseded',
    'canceled',
    'failed',
    'duplicate',
  ];
  for (const outcome of outcomes) {
    expect(
      names.some((name) => name.includes(`-${outcome}-`)),
      outcome,
    ).toBe(true);
  }
});

test.each(names)(
  '%s is replayed by the workflow of today',
  async (name) => {
    const { history, workflowId } = read(name);
    await Worker.runReplayHistory({ workflowBundle: bundle }, history, workflowId);
  },
  30_000,
);

test('a workflow that takes other steps than a history is noticed', async () => {
  const name = names.find((each) => each.includes('-life-succeeded-')) ?? '';
  const { history, workflowId } = read(name, (text) => text.replaceAll('"preview"', '"another"'));
  await expect(
    Worker.runReplayHistory({ workflowBundle: bundle }, history, workflowId),
  ).rejects.toThrow('nondeterminism');
}, 30_000);
