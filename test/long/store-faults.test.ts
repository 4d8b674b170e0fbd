/** A real apply of a real module while the store fails at every one of its calls, once before and once after the call took effect. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { wholeOf } from '../../src/content.js';
import { loadConfig } from '../../src/config.js';
import type { OperationInput } from '../../src/contract/operation.js';
import { connectEngine, type Engine } from '../../src/docker/engine.js';
import { applyStack } from '../../src/operation/apply-stack.js';
import type { OperationDependencies } from '../../src/operation/dependencies.js';
import { createDescribe } from '../../src/operation/describe-image.js';
import { previewStack } from '../../src/operation/preview-stack.js';
import { resolveLocalImage } from '../../src/operation/resolve-image.js';
import type { Executed, ResolvedImage } from '../../src/operation/types.js';
import { dockerEnvironment, setupSettings } from '../../src/setup/setup-settings.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { lastAttempt, readAttempt } from '../../src/stack/attempt-store.js';
import { readRecord } from '../../src/stack/record.js';
import { loadSnapshot } from '../../src/state/snapshot.js';
import { createStore, openStore, type Store } from '../../src/store/open-store.js';
import { failingStore, type FailureMode } from '../support/failing-store.js';
import { tofuModule, uniqueStack } from '../support/local-system.js';

const MODULE = `
variable "name" { type = string }
resource "terraform_data" "a" { input = var.name }
output "name" { value = terraform_data.a.output }
`;
/** Workers that take up the apply one after the other, at most. */
const WORKERS = 5;

let folder: string;
let engine: Engine;
let sound: Store;
let image: ResolvedImage;
const config = loadConfig(process.env);
const signal = new AbortController().signal;

beforeAll(async () => {
  await prepareLocalSystem({
    ...setupSettings(config),
    need: ['engine', 'opentofu'],
    signal,
    report: () => undefined,
  });
  engine = await connectEngine({ environment: dockerEnvironment(config) });
  folder = await mkdtemp(join(tmpdir(), 'store-faults-'));
  sound = await openStore({ store: pathToFileURL(join(folder, 'store')).href, allowCreate: true });
  const found = await resolveLocalImage(engine, await tofuModule(engine, MODULE), undefined);
  if (found === undefined) throw new Error('the image was not made');
  image = found;
});
afterAll(async () => {
  sound?.close();
  await rm(folder, { recursive: true, force: true });
});

const dependencies = (store: Store): OperationDependencies => ({
  engine,
  store,
  config,
  webhooks: [],
  describe: createDescribe(engine),
});

/** Containers of the stack, which are removed with their volumes. */
async function takeAway(stackId: string): Promise<number> {
  const filters = { label: [`dev.cldctl.stack-id=${stackId}`] };
  const found = await engine.docker.listContainers({ all: true, filters });
  for (const { Id } of found) await engine.docker.getContainer(Id).remove({ force: true, v: true });
  const { Volumes } = await engine.docker.listVolumes({ filters });
  for (const { Name } of Volumes) await engine.docker.getVolume(Name).remove();
  return found.filter(({ Labels }) => Labels['dev.cldctl.purpose'] === 'mutation').length;
}

/** How the attempts ended in which something ran; a container that was created and never started is proof that nothing did. */
async function outcomes(stackId: string, planDigest: string): Promise<string[]> {
  const last = await lastAttempt(sound, stackId, planDigest);
  const found: string[] = [];
  for (let attempt = 1; attempt <= (last?.attempt ?? 0); attempt += 1) {
    const { result } = (await readAttempt(sound, { stackId, planDigest, attempt })) ?? {};
    found.push(result?.outcome ?? 'open');
  }
  return found.filter((outcome) => outcome !== 'nothing-ran');
}

/** How many tries it took, and how many calls of the store were made in all. */
async function applyWhileFailing(
  failing: number,
  mode: FailureMode,
): Promise<{ failures: number; calls: number }> {
  const stackId = uniqueStack('faults');
  const context = `call ${failing}, ${mode}`;
  const input: OperationInput = {
    stackId,
    operation: 'apply',
    inputs: { name: context },
    module: { image: image.reference },
    limits: { network: 'none' },
  };
  const { view } = await previewStack(
    dependencies(sound),
    { input, operation: 'apply', image, containerKey: stackId, lock: true },
    { signal },
  );
  const { store: raw, calls } = failingStore(sound.raw, failing, mode);
  let executed: Executed | undefined;
  let failures = 0;
  for (let worker = 0; worker < WORKERS && executed === undefined; worker += 1) {
    try {
      // Each is another worker: it knows nothing but what is stored and what is on the engine.
      executed = await applyStack(
        dependencies(await createStore({ ...sound, raw })),
        {
          stackId,
          operation: 'apply',
          planDigest: view.planDigest,
          image,
          input: { limits: { network: 'none' } },
          decisions: [],
        },
        { workflowId: 'w', runId: 'r' },
        { signal },
      );
    } catch (error) {
      expect(error, context).toMatchObject({ code: 'StoreUnavailable' });
      failures += 1;
    }
  }
  expect(executed, context).toMatchObject({
    interrupted: false,
    receipt: { done: 1, failed: 0, not_reached: 0, unapproved: 0 },
    outputs: { name: { value: context } },
  });
  const record = (await readRecord(sound, stackId))?.record;
  expect(record, context).toMatchObject({ state: { version: 1 }, outputs: { name: {} } });
  expect(record?.openRun, context).toBeUndefined();
  expect(record?.operations, context).toHaveLength(1);
  const state = (await wholeOf((await loadSnapshot(sound, record ?? { stackId }))!)).toString();
  expect(state, context).toContain(context);
  expect(await outcomes(stackId, view.planDigest), context).toEqual(['succeeded']);
  expect(await takeAway(stackId), context).toBe(1);
  return { failures, calls: calls() };
}

test.each<FailureMode>(['before', 'after'])(
  'a store that fails once, %s the call took effect: the plan runs exactly once, and nothing is lost',
  async (mode) => {
    let faults = 0;
    for (let failing = 1; ; failing += 1) {
      const { failures, calls } = await applyWhileFailing(failing, mode);
      if (calls < failing) break;
      faults += 1;
      expect(failures).toBeLessThanOrEqual(1);
    }
    console.log({ mode, faults });
    expect(faults).toBeGreaterThan(20);
  },
  1_200_000,
);
