/** The same requests to the same module in OpenTofu and in four Pulumi runtimes give the same answers, without any network. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/contract/error-code.js';
import { stringifyJson, type Json } from '../../src/contract/json.js';
import type { ModuleRequest } from '../../src/contract/request.js';
import type { ModuleResponse } from '../../src/contract/response.js';
import type { Engine } from '../../src/docker/engine.js';
import { removeRun } from '../../src/docker/inspect-run.js';
import { resolveLimits } from '../../src/docker/module-run.js';
import { runModule } from '../../src/docker/run-module.js';
import { loadConfig } from '../../src/config.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { held, type HeldResult } from '../support/held-result.js';
import { outsideProviderMirror } from '../support/outside-provider.js';
import { startOutsideWorld, type OutsideWorld } from '../support/outside-world.js';
import { pulumiModuleImage, withOutsidePlugin } from '../support/pulumi-module.js';
import { testEngine, uniqueName } from '../support/test-engine.js';
import { MODULES, WITHOUT_B, type EngineName } from './engines.table.js';
import { moduleImages } from './module-image.js';
import type { Files } from './row.js';

const TOKEN = 'tok-5dK1x-geheim';
const ENGINES: readonly EngineName[] = ['opentofu', 'yaml', 'nodejs', 'python', 'go'];

const abort = new AbortController();
let engine: Engine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => abort.abort());

describe.each(ENGINES)('%s', (name) => {
  let image: string;
  let imageWithoutB: string;
  let world: OutsideWorld;
  let state: Uint8Array | undefined;
  let plan: Uint8Array | undefined;
  let lines: string[];

  beforeAll(async () => {
    world = await startOutsideWorld();
    image = await moduleImage(name, MODULES[name]);
    const without = WITHOUT_B[name];
    imageWithoutB = without === undefined ? image : await moduleImage(name, without);
  }, 900_000);
  afterAll(() => world.close());

  /** One container; what it leaves as state and plan is what the next one starts from. */
  const run = async (
    request: Partial<ModuleRequest> & Pick<ModuleRequest, 'action'>,
  ): Promise<HeldResult> => {
    const container = uniqueName(`engines-${name}`);
    lines = [];
    try {
      const result = await held(
        await runModule(
          engine,
          {
            image: request.inputs?.['with_b'] === false ? imageWithoutB : image,
            name: container,
            labels: {},
            request: {
              contract: 1,
              stack_name: 'table',
              environment: { ...world.withoutNetwork.environment },
              secret_inputs: ['token'],
              passphrase: 'passphrase of the table',
              state: { path: 'state/state' },
              seal_key: randomBytes(32).toString('base64'),
              ...request,
            },
            files: {
              ...(state === undefined ? {} : { 'state/state': state }),
              ...(plan === undefined || request.plan === undefined ? {} : { 'plan/plan': plan }),
            },
            workspace: { kind: 'anonymous' },
            limits: resolveLimits({ network: 'none' }),
            dockerSocket: world.withoutNetwork.dockerSocket,
            stopGraceMs: 20_000,
            runTimeoutMs: 110_000,
          },
          { signal: abort.signal, onEvent: (event) => void lines.push(stringifyJson(event)) },
        ),
      );
      lines.push(stringifyJson({ ...result.response, outputs: {} }));
      for (const line of lines) expect(line, 'the secret is shown').not.toContain(TOKEN);
      if (request.action !== 'preview') state = result.files.state ?? state;
      return result;
    } finally {
      await removeRun(engine, container, { volumes: true });
    }
  };

  /** Previews and then does exactly that plan; both answers in words without the engine in them. */
  const cell = async (step: {
    of?: NonNullable<ModuleRequest['preview_of']>;
    inputs?: Record<string, Json>;
    imports?: ModuleRequest['imports'];
    only?: 'preview';
  }): Promise<{
    preview: Words;
    done: Words | undefined;
    response: ModuleResponse | undefined;
  }> => {
    const of = step.of ?? 'apply';
    const shared = {
      inputs: { token: TOKEN, ...step.inputs },
      ...(step.imports === undefined ? {} : { imports: step.imports }),
    };
    const preview = await run({ action: 'preview', preview_of: of, ...shared });
    plan = preview.files.plan;
    if (step.only === 'preview' || plan === undefined)
      return { preview: wordsOf(preview.response), done: undefined, response: undefined };
    const done = await run({
      action: of,
      plan: { path: 'plan/plan', digest: digestOf(plan) },
      ...shared,
    });
    return {
      preview: wordsOf(preview.response),
      done: wordsOf(done.response),
      response: done.response,
    };
  };
  const withoutB = { with_b: false };

  test('a required input that is missing', async () => {
    const { response } = await run({ action: 'preview', inputs: {} });
    expect(response.failure?.code).toBe('InvalidInput' satisfies ErrorCode);
    expect(response.error).toContain('"token" is required');
    expect(world.journal).toEqual([]);
  });

  test('create, with a secret in and out', async () => {
    const { preview, done, response } = await cell({});
    expect(preview).toEqual({
      changes: ['create a', 'create b'],
      drift: [],
      outputs: ['create list', 'create size', 'create token', 'create value'],
      summary: 'create 2, output 4',
      unknown: true,
    });
    expect(done).toMatchObject({ receipt: ['done create a', 'done create b'] });
    expect(response?.outputs).toEqual({
      value: { value: 'one' },
      size: { value: 3 },
      list: { value: ['x', '1', '-2'] },
      token: { value: TOKEN, sensitive: true },
    });
    expect(world.thing('a')?.properties).toMatchObject({ value: 'one', secret: TOKEN });
  });

  test('no change', async () => {
    const { preview } = await cell({ only: 'preview' });
    expect(preview).toEqual({ changes: [], drift: [], outputs: [], summary: '', unknown: false });
  });

  test('update', async () => {
    const { preview, done } = await cell({ inputs: { value: 'two' } });
    expect(preview).toMatchObject({
      changes: ['update a', 'update b'],
      outputs: ['update value'],
      summary: 'update 2, output 1',
    });
    expect(done).toMatchObject({ receipt: ['done update a', 'done update b'] });
    expect(world.count('update')).toBe(2);
  });

  test('a plan whose state moved', async () => {
    const { response } = await run({
      action: 'apply',
      plan: { path: 'plan/plan', digest: digestOf(plan) },
      inputs: { token: TOKEN, value: 'two' },
    });
    expect(response.failure?.code).toBe('PlanStale' satisfies ErrorCode);
    expect(world.count('update')).toBe(2);
  });

  test('a plan file that is not the approved one', async () => {
    const digest = digestOf(plan);
    plan = Buffer.concat([plan ?? Buffer.alloc(0), Buffer.from(' ')]);
    const { response } = await run({
      action: 'apply',
      plan: { path: 'plan/plan', digest },
      inputs: { token: TOKEN, value: 'two' },
    });
    expect(response.failure?.code).toBe('PlanStale' satisfies ErrorCode);
  });

  test('replace is one change with its reasons', async () => {
    const { preview, done } = await cell({ inputs: { value: 'two', frozen: 'y' } });
    expect(preview).toMatchObject({
      changes: ['replace a cannot-update: frozen'],
      outputs: [],
      summary: 'replace 1',
    });
    expect(done).toMatchObject({ receipt: ['done replace a'] });
    expect(world.thing('a')?.properties).toMatchObject({ frozen: 'y' });
  });

  test('delete', async () => {
    const { preview, done } = await cell({ inputs: { value: 'two', frozen: 'y', ...withoutB } });
    expect(preview).toMatchObject({ changes: ['delete b'], summary: 'delete 1' });
    expect(done).toMatchObject({ receipt: ['done delete b'] });
  });

  test('drift, seen without touching anything, then accepted', async () => {
    const id = world.thing('a')?.id;
    world.change('a', { value: 'moved' });
    const inputs = { value: 'two', frozen: 'y', ...withoutB };
    const looked = await cell({ of: 'refresh', inputs, only: 'preview' });
    expect(looked.preview).toMatchObject({ changes: [], drift: ['update a'], summary: '' });
    const putBack = await cell({ inputs, only: 'preview' });
    expect(putBack.preview).toMatchObject({ changes: ['update a'], drift: ['update a'] });
    const { done } = await cell({ of: 'refresh', inputs });
    expect(done?.failure).toBeUndefined();
    expect((await cell({ of: 'refresh', inputs, only: 'preview' })).preview).toMatchObject({
      drift: [],
    });
    expect(world.thing('a')).toMatchObject({ id, properties: { value: 'moved' } });
  });

  test('a thing that is gone outside', async () => {
    world.remove('a');
    const inputs = { value: 'two', frozen: 'y', ...withoutB };
    const { preview } = await cell({ of: 'refresh', inputs, only: 'preview' });
    expect(preview).toMatchObject({ changes: [], drift: ['delete a'] });
  });

  test('partial failure, with the secret in the message of the provider', async () => {
    world.behave('b', 'create', { fail: `quota exceeded for ${TOKEN}` });
    const { preview, done, response } = await cell({ inputs: { value: 'two', frozen: 'y' } });
    expect(preview).toMatchObject({ changes: ['create a', 'create b'] });
    expect(done).toMatchObject({
      failure: 'ModuleFailed',
      receipt: ['done create a', 'failed create b'],
    });
    expect(response?.error).toMatch(/quota exceeded for (\[redacted\]|\[secret\])/);
    world.behave('b', 'create', undefined);
    const again = await cell({ inputs: { value: 'two', frozen: 'y' } });
    expect(again.preview).toMatchObject({ changes: ['create b'], summary: 'create 1' });
    expect(again.done).toMatchObject({ receipt: ['done create b'] });
  });

  test('destroy', async () => {
    const { preview, done } = await cell({ of: 'destroy', inputs: { value: 'two', frozen: 'y' } });
    expect(preview).toMatchObject({
      changes: ['delete a', 'delete b'],
      outputs: ['delete list', 'delete size', 'delete token', 'delete value'],
      summary: 'delete 2, output 4',
    });
    expect(done).toMatchObject({ receipt: ['done delete a', 'done delete b'] });
    expect(world.things()).toEqual([]);
  });

  test('import of a thing that is there, and of one that is not', async () => {
    state = undefined;
    const type = name === 'opentofu' ? 'outside_thing' : 'outside:index:Thing';
    const missing = await cell({
      of: 'import',
      imports: [{ type, name: 'a', id: 'a-none' }],
      inputs: withoutB,
      only: 'preview',
    });
    expect(missing.preview.failure).toBe('InvalidInput');
    world.change('a', { value: 'one', frozen: 'x', secret: TOKEN, key: 'key-of-a' }, 'a-there');
    const { preview, done } = await cell({
      of: 'import',
      imports: [{ type, name: 'a', id: 'a-there' }],
      inputs: withoutB,
    });
    expect(preview).toMatchObject({ changes: ['import a a-there'] });
    expect(done).toMatchObject({
      // OpenTofu's apply reports no operation for an import: it changes the state alone.
      receipt: name === 'opentofu' ? [] : ['done import a'],
    });
    expect(done?.failure).toBeUndefined();
    const after = await cell({ inputs: withoutB, only: 'preview' });
    expect(after.preview.changes).toEqual([]);
    expect(world.count('create', 'a')).toBeLessThanOrEqual(3);
  });
});

interface Words {
  readonly failure?: string;
  readonly changes: string[];
  readonly drift: string[];
  readonly outputs: string[];
  readonly summary: string;
  readonly unknown: boolean;
  readonly receipt?: string[];
}

/** An answer without what names the engine: addresses and URNs become the names of the module's resources. */
function wordsOf(response: ModuleResponse): Words {
  const short = (resource: string): string =>
    resource
      .replace(/\[.*\]$/, '')
      .split(/::|\./)
      .at(-1) ?? resource;
  return {
    ...(response.failure === undefined ? {} : { failure: response.failure.code }),
    changes: (response.changes ?? [])
      .map(({ action, resource, reason, replace_reasons: reasons, importing }) =>
        [
          action,
          short(resource),
          ...(action === 'replace' ? [`${reason}: ${(reasons ?? []).join(', ')}`] : []),
          ...(importing === undefined ? [] : [importing.id]),
        ].join(' '),
      )
      .sort(),
    drift: (response.drift ?? [])
      .map(({ action, resource }) => `${action} ${short(resource)}`)
      .sort(),
    outputs: (response.output_changes ?? []).map(({ action, name }) => `${action} ${name}`).sort(),
    summary: Object.entries(response.summary ?? {})
      .filter(([, count]) => count > 0)
      .map(([action, count]) => `${action} ${count}`)
      .join(', '),
    unknown: response.has_unknown ?? false,
    ...(response.receipt === undefined
      ? {}
      : {
          receipt: response.receipt.entries
            .map(({ status, action, resource }) => `${status} ${action} ${short(resource)}`)
            .sort(),
        }),
  };
}

async function moduleImage(name: EngineName, module: Files): Promise<string> {
  const part = name === 'opentofu' ? ('opentofu' as const) : (`pulumi-${name}` as const);
  const system = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: [part],
    signal: abort.signal,
    report: () => undefined,
  });
  const base = system[part];
  if (name === 'opentofu')
    return moduleImages(engine, base, await outsideProviderMirror(), abort.signal)(module);
  // Dependencies are locked as the examples lock them.
  const locks = {
    go: ['go.mod', 'go.sum'],
    nodejs: ['package.json', 'package-lock.json'],
    python: [],
    yaml: [],
  }[name];
  const example = join(packageRoot(), 'examples', `pulumi-${name}`);
  const files = {
    ...module,
    ...Object.fromEntries(locks.map((file) => [file, readFileSync(join(example, file))])),
  };
  return pulumiModuleImage(
    engine,
    await withOutsidePlugin(engine, base, abort.signal),
    files,
    abort.signal,
  );
}

function digestOf(bytes: Uint8Array | undefined): string {
  return `sha256:${createHash('sha256')
    .update(bytes ?? new Uint8Array())
    .digest('hex')}`;
}
