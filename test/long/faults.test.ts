/**
 * Faults by the hundred: in every phase one thing is killed, cut or told to stop, and then it is counted what really happened outside.
 * `FAULT_SEED` (default 1) picks the order, `FAULT_COUNT` (default 40) how many; a seed that fails becomes a test of its own.
 */
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StartedOperation } from '../../src/client/index.js';
import { loadConfig } from '../../src/config.js';
import type { OperationInput } from '../../src/contract/operation.js';
import { CodedError } from '../../src/errors.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { moduleImages } from '../table/module-image.js';
import { outside } from '../table/row.js';
import { approveWhenAsked } from '../support/approve-when-asked.js';
import type { RunningCommand } from '../support/command.js';
import { createLocalSystem, uniqueStack, type LocalSystem } from '../support/local-system.js';
import { outsideProviderMirror } from '../support/outside-provider.js';
import {
  startOutsideWorld,
  type OutsideOperation,
  type OutsideWorld,
} from '../support/outside-world.js';
import { startOwnEngine, type OwnEngine } from '../support/own-engine.js';
import { pulumiModuleImage, withOutsidePlugin } from '../support/pulumi-module.js';
import { testEngine } from '../support/test-engine.js';

const NAMES = ['a', 'b', 'c'] as const;
const TOFU = outside(`
variable "stack" { type = string }
${NAMES.map(
  (name, index) => `resource "outside_thing" "${name}" {
  name       = "\${var.stack}-${name}"
  value      = "1"
  ${index === 0 ? '' : `depends_on = [outside_thing.${NAMES[index - 1]}]`}
}`,
).join('\n')}
`);
const PULUMI = `name: faults
runtime: yaml
config:
  stack: {type: string}
resources:
${NAMES.map(
  (name, index) => `  ${name}:
    type: outside:index:Thing
    properties: {name: "\${stack}-${name}", value: one}
${index === 0 ? '' : `    options: {dependsOn: ["\${${NAMES[index - 1]}}"]}`}`,
).join('\n')}
`;

type Fault =
  | 'worker killed'
  | 'worker stopped'
  | 'container killed'
  | 'container removed'
  | 'engine crashed'
  | 'engine stopped'
  | 'server restarted'
  | 'canceled'
  | 'killed by update'
  | 'terminated';
const FAULTS: readonly Fault[] = [
  'worker killed',
  'worker stopped',
  'container killed',
  'container removed',
  'engine crashed',
  'engine stopped',
  'server restarted',
  'canceled',
  'killed by update',
  'terminated',
];
/** Faults that take the tool away in the middle of what it does. */
const KILLS_TOOL: readonly Fault[] = [
  'container killed',
  'container removed',
  'engine crashed',
  'killed by update',
];
/** Where the tool is held when the fault comes: which thing of which command. */
const PLACES: readonly { operation: 'apply' | 'destroy'; at: OutsideOperation; name: string }[] = [
  { operation: 'apply', at: 'create', name: 'a' },
  { operation: 'apply', at: 'create', name: 'b' },
  { operation: 'apply', at: 'create', name: 'c' },
  { operation: 'destroy', at: 'delete', name: 'c' },
  { operation: 'destroy', at: 'delete', name: 'b' },
  { operation: 'destroy', at: 'read', name: 'b' },
];

const seed = Number(process.env['FAULT_SEED'] ?? 1);
const count = Number(process.env['FAULT_COUNT'] ?? 40);
const abort = new AbortController();
let world: OutsideWorld;
let own: OwnEngine;
let system: LocalSystem;
let worker: RunningCommand;
let connection: Connection;
let images: { opentofu: string; pulumi: string };

beforeAll(async () => {
  const shared = await testEngine();
  const bases = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['opentofu', 'pulumi-yaml'],
    signal: abort.signal,
    report: () => undefined,
  });
  const mirror = await outsideProviderMirror();
  const plugged = await withOutsidePlugin(shared, bases['pulumi-yaml'], abort.signal);
  images = {
    opentofu: await moduleImages(shared, bases.opentofu, mirror, abort.signal)(TOFU),
    pulumi: await pulumiModuleImage(shared, plugged, { 'Pulumi.yaml': PULUMI }, abort.signal),
  };
  [world, own] = await Promise.all([startOutsideWorld(), startOwnEngine()]);
  await own.take(shared, images.opentofu);
  await own.take(shared, images.pulumi);
  system = await createLocalSystem({
    durable: true,
    engine: own,
    env: { CLDCTL_DOCKER_SOCKET_GRANT: world.withoutNetwork.dockerSocket.path },
  });
  worker = await system.startWorker();
  connection = await Connection.connect({ address: system.address });
});
afterAll(async () => {
  abort.abort();
  await connection?.close();
  await system?.close();
  await own?.close();
  await world?.close();
});

/** A small generator (mulberry32): the same seed gives the same faults on every machine. */
function generator(start: number): (below: number) => number {
  let state = start >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function operation(
  stackId: string,
  image: string,
  more: Partial<OperationInput> = {},
): OperationInput {
  return {
    stackId,
    operation: 'apply',
    module: { image },
    inputs: { stack: stackId },
    environment: world.withoutNetwork.environment,
    options: { dockerSocket: true },
    limits: { network: 'none', grace: '5s' },
    approval: { mode: 'auto', expiresIn: '1h' },
    ...more,
  };
}

async function endOf(started: StartedOperation): Promise<string> {
  return system.client.result(started).then(
    ({ outcome }) => outcome,
    (error: unknown) => (error instanceof CodedError ? error.code : String(error)),
  );
}

async function inject(fault: Fault, started: StartedOperation): Promise<void> {
  const running = await own.engine.docker.listContainers();
  const [container] = running;
  switch (fault) {
    case 'worker killed':
    case 'worker stopped':
      worker.signal(fault === 'worker killed' ? 'SIGKILL' : 'SIGTERM');
      await worker.done;
      worker = await system.startWorker();
      return;
    case 'container killed':
      await own.engine.docker.getContainer(container?.Id ?? '').kill();
      return;
    case 'container removed':
      await own.engine.docker.getContainer(container?.Id ?? '').remove({ force: true, v: true });
      return;
    case 'engine crashed':
      await own.kill();
      await own.start();
      return;
    case 'engine stopped':
      await own.stop();
      await own.start();
      return;
    case 'server restarted':
      await system.restartTemporal();
      return;
    case 'canceled':
      await system.client.cancel(started);
      return;
    case 'killed by update':
      await system.client.kill(started, { reason: 'the test' });
      return;
    case 'terminated':
      await new Client({ connection }).workflow
        .getHandle(started.workflowId, started.runId)
        .terminate('the test');
  }
}

const ofStack = (stackId: string): string[] =>
  world
    .things()
    .map(({ name }) => name)
    .filter((name) => name.startsWith(`${stackId}-`))
    .sort();
const done = (stackId: string, op: OutsideOperation): number[] =>
  NAMES.map((name) => world.count(op, `${stackId}-${name}`));

/** Nothing asks unless a run was lost; then everything that does something asks. */
async function goesOn(
  stackId: string,
  image: string,
  what: 'apply' | 'destroy',
  why: string,
): Promise<void> {
  const before = await system.client.stack(stackId).catch(() => undefined);
  const { end, asked } = await approveWhenAsked(
    system.client,
    operation(stackId, image, { operation: what }),
  );
  expect(end, why).toMatch(/^(succeeded|no-changes)$/);
  // A run that was left behind is found to be lost, or not, by the operation itself.
  if (before?.openRun !== undefined) return;
  expect(asked, why).toBe(before?.lostRun !== undefined && end === 'succeeded');
}

const tally = new Map<string, number>();
const random = generator(seed);
const rounds = Array.from({ length: count }, (_, index) => ({
  index,
  tool: (['opentofu', 'pulumi'] as const)[random(2)] ?? 'opentofu',
  fault: FAULTS[random(FAULTS.length)] ?? 'canceled',
  place: PLACES[random(PLACES.length)] ?? { operation: 'apply', at: 'create', name: 'a' },
}));

test.each(rounds)(
  `seed ${seed}: $tool, $fault at $place.at of $place.name ($place.operation)`,
  async ({ tool, fault, place }) => {
    const stackId = uniqueStack(`f${seed}`);
    const image = images[tool];
    const start = (more: Partial<OperationInput> = {}): Promise<StartedOperation> =>
      system.client.start(operation(stackId, image, more));
    if (place.operation === 'destroy') expect(await endOf(await start())).toBe('succeeded');

    const held = world.hold(`${stackId}-${place.name}`, place.at);
    const started = await start({ operation: place.operation });
    await held.reached;
    await inject(fault, started);
    held.release();
    const first = await endOf(started);
    const told = `${first} after ${fault}`;
    tally.set(told, (tally.get(told) ?? 0) + 1);

    // Whatever it was, the next operation finds out what there is and goes on.
    await goesOn(stackId, image, place.operation, `the operation after ${told}`);
    const made = done(stackId, 'create');
    const lost = KILLS_TOOL.includes(fault) && !['succeeded', 'no-changes'].includes(first);
    if (lost) {
      // What was under way when the tool was killed may be there twice; the run has said so.
      const ends = ['OutcomeUnknown', 'ModuleFailed', 'ContainerLost', 'succeeded'];
      // A kill while the destroy is still being planned ends the operation, which has changed nothing.
      if (fault === 'killed by update' && place.at === 'read') ends.push('OperationCanceled');
      expect(ends).toContain(first);
    } else expect(made, `made exactly once, ${told}`).toEqual([1, 1, 1]);
    if (place.operation === 'apply') {
      expect(new Set(ofStack(stackId))).toEqual(new Set(NAMES.map((name) => `${stackId}-${name}`)));
      await goesOn(stackId, image, 'destroy', `the destroy after ${told}`);
    }
    if (!lost) expect(ofStack(stackId), `all taken away, ${told}`).toEqual([]);
    // Ended ones may stay for a while: a preview whose worker died, and a run that was lost, for a look at it.
    await expect
      .poll(async () => (await own.engine.docker.listContainers()).length, {
        timeout: 60_000,
        message: 'containers that still run',
      })
      .toBe(0);
    expect((await system.client.stack(stackId)).openRun).toBeUndefined();
  },
  240_000,
);

test('what happened, in numbers', () => {
  console.log(JSON.stringify(Object.fromEntries([...tally].sort()), null, 1));
  expect([...tally.values()].reduce((sum, each) => sum + each, 0)).toBe(count);
});
