/** Runs one row of the table: each preview beside the bare tool's plan of the same module, state and inputs. */
import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { Change } from '../../src/contract/change.js';
import { parseJson, stringifyJson, type Json } from '../../src/contract/json.js';
import type { ModuleRequest } from '../../src/contract/request.js';
import type { ModuleResponse } from '../../src/contract/response.js';
import type { Engine } from '../../src/docker/engine.js';
import { removeRun } from '../../src/docker/inspect-run.js';
import { resolveLimits, type ModuleRunResult } from '../../src/docker/module-run.js';
import { runModule } from '../../src/docker/run-module.js';
import type { OutsideWorld } from '../support/outside-world.js';
import { uniqueName } from '../support/test-engine.js';
import type { BareTofu } from '../support/tofu.js';
import { planDifferences } from './compare.js';
import { valueDifferences } from './expected-value.js';
import type { Files, Row, Step } from './row.js';

export interface TableContext {
  readonly engine: Engine;
  readonly tofu: BareTofu;
  /** Reference of an image of the module. */
  imageOf(files: Files): Promise<string>;
  readonly signal: AbortSignal;
}

/** Does all steps of a row; a difference from the bare tool is a failed expectation. */
export async function runRow(context: TableContext, row: Row, world: OutsideWorld): Promise<void> {
  let { files } = row;
  let state: Uint8Array | undefined;
  for (const [index, step] of row.steps.entries()) {
    const at = `step ${index + 1}`;
    files = step.files ?? files;
    step.before?.(world);
    const image = await context.imageOf(files);
    const request = requestOf(step, row, world);
    const lines: string[] = [];
    const run = (
      further: Pick<ModuleRequest, 'action'> & Partial<ModuleRequest>,
      plan?: Uint8Array,
    ): Promise<ModuleRunResult> =>
      runOnce(context, { ...request, ...further }, { image, row, state, plan, lines });

    const preview = await run({ action: 'preview', preview_of: step.of ?? 'apply' });
    const bare = await context.tofu.plan(bareRequest(step, row, world, files, state));
    const told = whole(preview);
    if (step.incomparable === undefined)
      expect(planDifferences(told, bare, step.secrets), `${at}: preview and the bare plan`).toEqual(
        [],
      );
    expect(planWords(told), `${at}: plan`).toEqual(
      typeof step.plan === 'string' ? step.plan : [...(step.plan ?? [])].sort(),
    );
    step.preview?.(preview.response, world);

    if (typeof step.plan !== 'string' && step.apply !== 'no') {
      const { plan } = preview.files;
      if (plan === undefined) throw new Error(`${at}: the preview gave no plan file`);
      const digest = `sha256:${createHash('sha256').update(plan).digest('hex')}`;
      const done = await run(
        { action: step.of ?? 'apply', plan: { path: 'plan/plan', digest } },
        plan,
      );
      state = done.files.state ?? state;
      await expectApplied(context, step, done.response, state, at);
      step.applied?.(done.response, world);
      if ((step.apply ?? 'ends') === 'ends') {
        const again = await context.tofu.plan({
          ...bareRequest({ ...step, imports: [], options: {} }, row, world, files, state),
          brief: true,
        });
        expect(again.exitCode, `${at}: nothing is left to do: ${again.text}`).toBe(0);
      }
      lines.push(stringifyJson({ ...done.response, outputs: {} }));
    }
    lines.push(stringifyJson(preview.response));
    for (const secret of step.secrets ?? [])
      for (const line of lines) expect(line, `${at}: a secret is shown`).not.toContain(secret);
  }
}

function requestOf(step: Step, row: Row, world: OutsideWorld): Omit<ModuleRequest, 'action'> {
  return {
    contract: 1,
    stack_name: 'table',
    inputs: { ...step.inputs },
    environment: { ...(row.outside ? world.containerEnvironment : {}), ...step.environment },
    ...(step.secretInputs === undefined ? {} : { secret_inputs: [...step.secretInputs] }),
    ...(step.options === undefined ? {} : { options: step.options }),
    ...(step.imports === undefined ? {} : { imports: [...step.imports] }),
    state: { path: 'state/state' },
    seal_key: randomBytes(32).toString('base64'),
  };
}

interface Surroundings {
  readonly image: string;
  readonly row: Row;
  readonly state: Uint8Array | undefined;
  readonly plan: Uint8Array | undefined;
  readonly lines: string[];
}

async function runOnce(
  { engine, signal }: TableContext,
  request: ModuleRequest,
  { image, row, state, plan, lines }: Surroundings,
): Promise<ModuleRunResult> {
  const name = uniqueName('table');
  try {
    return await runModule(
      engine,
      {
        image,
        name,
        labels: {},
        request,
        files: {
          ...(state === undefined ? {} : { 'state/state': state }),
          ...(plan === undefined ? {} : { 'plan/plan': plan }),
        },
        workspace: { kind: 'anonymous' },
        limits: resolveLimits({ network: row.outside ? 'open' : 'none' }),
        stopGraceMs: 20_000,
        runTimeoutMs: 100_000,
      },
      { signal, onEvent: (event) => void lines.push(stringifyJson(event)) },
    );
  } finally {
    await removeRun(engine, name, { volumes: true });
  }
}

/** The preview with all its changes and all drift, also those beyond the inline limit. */
function whole({ response, files }: ModuleRunResult): ModuleResponse {
  const { changes_file: changesFile, drift_file: driftFile, ...rest } = response;
  return {
    ...rest,
    ...(changesFile && { changes: listIn(files.changes, changesFile.count) }),
    ...(driftFile && { drift: listIn(files.drift, driftFile.count) }),
  };
}

function listIn(file: Uint8Array | undefined, count: number): Change[] {
  const changes = Buffer.from(file ?? [])
    .toString()
    .split('\n')
    .filter(Boolean)
    .map(parseJson);
  expect(changes.length, 'changes in the file').toBe(count);
  return changes as unknown as Change[];
}

function planWords(response: ModuleResponse): string[] | string {
  if (!response.success) return response.failure?.code ?? 'no failure code';
  const changes = (response.changes ?? []).map(({ action, resource }) => `${action} ${resource}`);
  const outputs = (response.output_changes ?? []).map(
    ({ action, name }) => `${action} output.${name}`,
  );
  const drift = (response.drift ?? []).map(({ action, resource }) => `drift ${action} ${resource}`);
  return [...changes, ...outputs, ...drift].sort();
}

function bareRequest(
  step: Step,
  row: Row,
  world: OutsideWorld,
  files: Files,
  state: Uint8Array | undefined,
): Parameters<BareTofu['plan']>[0] {
  const { targets = [], replace = [], refresh = true } = step.options ?? {};
  const imports = (step.imports ?? []).map((mapping) =>
    'address' in mapping
      ? `import {\n  to = ${mapping.address}\n  id = ${JSON.stringify(mapping.id)}\n}\n`
      : '',
  );
  return {
    files: imports.length === 0 ? files : { ...files, 'imports_of_the_test.tf': imports.join('') },
    inputs: step.inputs ?? {},
    environment: { ...(row.outside ? world.environment : {}), ...step.environment },
    ...(state === undefined ? {} : { state }),
    flags: [
      ...(step.of === 'destroy' ? ['-destroy'] : step.of === 'refresh' ? ['-refresh-only'] : []),
      ...targets.map((address) => `-target=${address}`),
      ...replace.map((address) => `-replace=${address}`),
      ...(refresh ? [] : ['-refresh=false']),
    ],
  };
}

async function expectApplied(
  { tofu }: TableContext,
  step: Step,
  response: ModuleResponse,
  state: Uint8Array | undefined,
  at: string,
): Promise<void> {
  if (step.apply === 'fails') {
    expect(response.success, `${at}: the apply fails`).toBe(false);
    return;
  }
  expect(response.error, `${at}: the apply succeeds`).toBeUndefined();
  expect(response.success, `${at}: the apply succeeds`).toBe(true);
  expect(response.receipt, `${at}: receipt`).toMatchObject({
    failed: 0,
    not_reached: 0,
    unapproved: 0,
  });
  if (state === undefined) throw new Error(`${at}: the apply gave no state`);
  const outputs = (await tofu.outputs(state)) as Record<
    string,
    { value: Json; sensitive: boolean }
  >;
  const expected = Object.entries(outputs).map(([name, { value, sensitive }]) => [
    name,
    { value, sensitive: sensitive || undefined },
  ]);
  const said = Object.entries(response.outputs).map(([name, { value, sensitive }]) => [
    name,
    { value, sensitive: sensitive || undefined },
  ]);
  expect(
    valueDifferences('outputs', Object.fromEntries(expected), Object.fromEntries(said)),
    `${at}: outputs`,
  ).toEqual([]);
}
