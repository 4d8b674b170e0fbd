/** Pulumi containers that are interrupted, killed, or given what is not theirs. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { stringifyJson } from '../../src/contract/json.js';
import type { ModuleRequest } from '../../src/contract/request.js';
import type { Engine } from '../../src/docker/engine.js';
import { removeVolume, signalRun } from '../../src/docker/inspect-run.js';
import { resolveLimits, type ModuleRun } from '../../src/docker/module-run.js';
import { readVolumeFiles } from '../../src/docker/read-files.js';
import { wholeAnswer } from '../../src/plan/whole-answer.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { startOutsideWorld, type OutsideWorld } from '../support/outside-world.js';
import { pulumiModuleImage, withOutsidePlugin } from '../support/pulumi-module.js';
import type { HeldResult } from '../support/held-result.js';
import { runOnce } from '../support/run-once.js';
import { testEngine, uniqueName } from '../support/test-engine.js';

const PROGRAM = `name: held
runtime: yaml
resources:
  a:
    type: outside:index:Thing
    properties: {name: a, value: one, secret: {"fn::secret": program-made}}
  b:
    type: outside:index:Thing
    properties: {name: b, value: "\${a.revision}"}
outputs:
  key: \${a.key}
`;

let engine: Engine;
let withPlugin: string;
let held: string;
let example: string;
let world: OutsideWorld;
const volumes: string[] = [];
const abort = new AbortController();

beforeAll(async () => {
  engine = await testEngine();
  world = await startOutsideWorld();
  const { 'pulumi-yaml': base } = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['pulumi-yaml'],
    signal: abort.signal,
    report: () => undefined,
  });
  withPlugin = await withOutsidePlugin(engine, base, abort.signal);
  held = await pulumiModuleImage(engine, withPlugin, { 'Pulumi.yaml': PROGRAM }, abort.signal);
  const project = readFileSync(
    join(packageRoot(), 'examples', 'pulumi-yaml', 'Pulumi.yaml'),
    'utf8',
  );
  example = await pulumiModuleImage(engine, base, { 'Pulumi.yaml': project }, abort.signal);
}, 900_000);
afterAll(async () => {
  abort.abort();
  await world.close();
  for (const volume of volumes) await removeVolume(engine, volume);
});

interface Run {
  readonly result: HeldResult;
  readonly lines: readonly string[];
}

async function run(
  image: string,
  request: Partial<ModuleRequest> & Pick<ModuleRequest, 'action'>,
  more: Partial<ModuleRun> & { signal?: AbortSignal; onLine?: (line: string) => void } = {},
): Promise<Run> {
  const lines: string[] = [];
  const { signal = abort.signal, onLine, ...options } = more;
  const result = await runOnce(engine, {
    image,
    request: {
      stack_name: 'dev',
      environment: { ...world.containerEnvironment },
      state: { path: 'state/state' },
      ...request,
    },
    limits: resolveLimits({ network: 'open' }),
    stopGraceMs: 60_000,
    ...options,
    signal,
    onEvent: (event) => {
      lines.push(stringifyJson(event));
      onLine?.(stringifyJson(event));
    },
  });
  return { result, lines };
}
const stateOf = ({ result }: Run): Record<string, Uint8Array> =>
  result.files.state === undefined ? {} : { 'state/state': result.files.state };

test('the example runs without any network, and its secret is nowhere but in the outputs', async () => {
  const none = { limits: resolveLimits({ network: 'none' }) };
  const inputs = { service: 'shop', regions: ['north', 'south'], token: 'geheim-4711' };
  const { result, lines } = await run(example, { action: 'apply', environment: {}, inputs }, none);
  expect(result.response.outputs).toEqual({
    endpoint: { value: 'https://shop.example.com' },
    replicas: { value: 2 },
    token: { value: 'geheim-4711', sensitive: true },
  });
  const { outputs: _outputs, ...rest } = result.response;
  expect(stringifyJson(rest) + lines.join('')).not.toContain('geheim-4711');
  expect(Buffer.from(result.files.state ?? []).toString()).not.toContain('geheim-4711');
});

test('the state of another passphrase, and of another stack', async () => {
  const none = { limits: resolveLimits({ network: 'none' }) };
  const inputs = { service: 'shop', token: 'geheim-4711' };
  const first = await run(example, { action: 'apply', inputs }, none);
  const files = stateOf(first);
  const other = await run(
    example,
    { action: 'preview', inputs, passphrase: 'other' },
    { ...none, files },
  );
  expect(other.result.response.failure).toMatchObject({
    code: 'InvalidInput',
    message: expect.stringContaining('passphrase does not match') as string,
  });
  const stack = await run(
    example,
    { action: 'preview', inputs, stack_name: 'else' },
    { ...none, files },
  );
  expect(stack.result.response.failure).toMatchObject({ code: 'StateDamaged' });
  const cut = { 'state/state': (files['state/state'] ?? new Uint8Array()).subarray(0, 200) };
  const damaged = await run(example, { action: 'preview', inputs }, { ...none, files: cut });
  expect(damaged.result.response.failure).toMatchObject({ code: 'StateDamaged' });
});

test('more drift than fits inline is told whole, and accepted', async () => {
  const names = Array.from({ length: 205 }, (_, index) => `many-${index}`);
  const resources = names.map(
    (name) => `  ${name}: {type: "outside:index:Thing", properties: {name: ${name}}}`,
  );
  const image = await pulumiModuleImage(
    engine,
    withPlugin,
    { 'Pulumi.yaml': `name: many\nruntime: yaml\nresources:\n${resources.join('\n')}\n` },
    abort.signal,
  );
  const options = { parallelism: 50 };
  const made = await run(image, { action: 'apply', options });
  expect(made.result.response).toMatchObject({ success: true, receipt: { done: 205 } });
  for (const name of names) world.change(name, { value: 'by hand' });
  const drifted = await run(
    image,
    { action: 'preview', preview_of: 'refresh', options },
    { files: stateOf(made) },
  );
  const { response, files } = drifted.result;
  expect(response.drift).toHaveLength(200);
  expect(response).toMatchObject({ success: true, drift_file: { count: 205 } });
  const whole = await wholeAnswer(response, files);
  expect(new Set(whole.drift?.map(({ resource }) => resource.split('::').at(-1)))).toEqual(
    new Set(names),
  );
  const { plan = new Uint8Array() } = files;
  const accepted = await run(
    image,
    {
      action: 'refresh',
      options,
      plan: {
        path: 'plan/plan',
        digest: `sha256:${createHash('sha256').update(plan).digest('hex')}`,
      },
    },
    { files: { ...stateOf(made), 'plan/plan': plan } },
  );
  expect(accepted.result.response).toMatchObject({
    success: true,
    receipt: { done: 205, failed: 0, unapproved: 0 },
  });
  for (const name of names) world.remove(name);
});

describe('an apply that is stopped', () => {
  test('one signal: what is under way ends, the rest is not started, the state has it', async () => {
    const stop = new AbortController();
    const gate = world.hold('a', 'create');
    world.behave('a', 'create', { ignore_cancel: true });
    let told = (): void => undefined;
    const signalled = new Promise<void>((resolve) => {
      told = resolve;
    });
    const onLine = (line: string): void => {
      if (line.includes('asking the tool to stop')) told();
    };
    const running = run(held, { action: 'apply' }, { signal: stop.signal, onLine });
    await gate.reached;
    stop.abort();
    await signalled;
    gate.release();
    const stopped = await running;
    world.behave('a', 'create', undefined);
    const { response, exitCode } = stopped.result;
    expect(exitCode).toBe(130);
    expect(response).toMatchObject({ success: false, failure: { detail: { interrupted: true } } });
    const things = world.things().map(({ name }) => name);
    expect(things).not.toContain('b');
    const next = await run(held, { action: 'preview' }, { files: stateOf(stopped) });
    const words = (next.result.response.changes ?? []).map(
      ({ action, resource }) => `${action} ${resource.split('::').at(-1)}`,
    );
    expect(words).toEqual(things.includes('a') ? ['create b'] : ['create a', 'create b']);
    for (const { name } of world.things()) world.remove(name);
  });

  test('killed: the volume has the state, the operation under way is told, a refresh clears it', async () => {
    const volume = uniqueName('pulumi');
    volumes.push(volume);
    const name = uniqueName('pulumi');
    const gate = world.hold('a', 'create');
    const running = run(
      held,
      { action: 'apply' },
      { name, workspace: { kind: 'volume', name: volume } },
    ).catch((error: unknown) => error);
    await gate.reached;
    await signalRun(engine, name, 'SIGKILL');
    gate.release();
    await running;
    const harvested = await readVolumeFiles(engine, { volume, image: held }, [
      'state/live/dev.json',
    ]);
    const files = { 'state/state': harvested?.['state/live/dev.json'] ?? new Uint8Array() };
    const next = await run(held, { action: 'preview' }, { files });
    expect(next.result.response.state?.pending).toEqual([
      { operation: 'creating', resource: expect.stringContaining('::a') as string },
    ]);
    expect(next.result.response.notices?.join()).toContain('died while creating');
    const refreshed = await run(held, { action: 'refresh' }, { files });
    expect(refreshed.result.response.success).toBe(true);
    expect(refreshed.result.response.state?.pending).toBeUndefined();
    for (const thing of world.things()) world.remove(thing.name);
  });
});

test('a plugin that is not in the image is named', async () => {
  const files = {
    'Pulumi.yaml': 'name: p\nruntime: yaml\nresources:\n  r: {type: "random:index:RandomPet"}\n',
  };
  const { 'pulumi-yaml': base } = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['pulumi-yaml'],
    signal: abort.signal,
    report: () => undefined,
  });
  const image = await pulumiModuleImage(engine, base, files, abort.signal);
  const { result } = await run(
    image,
    { action: 'preview' },
    { limits: resolveLimits({ network: 'none' }) },
  );
  expect(result.response.failure).toMatchObject({
    code: 'InvalidModule',
    message: expect.stringContaining('plugin random is not in the image') as string,
  });
});
