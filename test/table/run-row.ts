/** Runs one row of the table: each preview beside the bare tool's plan of the same module, state and inputs. */
import { expect } from 'vitest';
import type { Json } from '../../src/contract/json.js';
import type { ImportMapping } from '../../src/contract/request.js';
import type { ModuleResponse } from '../../src/contract/response.js';
import type { OutsideWorld } from '../support/outside-world.js';
import type { BareTofu } from '../support/tofu.js';
import { planDifferences } from './compare.js';
import { valueDifferences } from './expected-value.js';
import type { Files, Row, Step } from './row.js';

/** How the steps of one row are done: in containers alone, or by a worker. */
export interface RowRunner {
  /** The preview as it was answered, and with all changes and all drift. */
  preview(step: Step, image: string): Promise<{ told: ModuleResponse; whole: ModuleResponse }>;
  /** Applies exactly the plan of the preview. */
  apply(step: Step): Promise<ModuleResponse>;
  /** Leaves the plan of the preview alone. */
  leave(): Promise<void>;
  /** State after what was applied last. */
  state(): Promise<Uint8Array | undefined>;
  /** What anybody could read by now: no secret is in it. */
  lines(): Promise<readonly string[]>;
}

export interface TableContext {
  readonly tofu: BareTofu;
  /** Reference of an image of the module. */
  imageOf(files: Files): Promise<string>;
  runnerOf(row: Row, world: OutsideWorld): RowRunner;
}

/** Does all steps of a row; a difference from the bare tool is a failed expectation. */
export async function runRow(context: TableContext, row: Row, world: OutsideWorld): Promise<void> {
  const runner = context.runnerOf(row, world);
  let { files } = row;
  for (const [index, step] of row.steps.entries()) {
    const at = `step ${index + 1}`;
    files = step.files ?? files;
    step.before?.(world);
    const state = await runner.state();
    const { told, whole } = await runner.preview(step, await context.imageOf(files));
    const bare = await context.tofu.plan(bareRequest(step, row, world, files, state));
    if (step.incomparable === undefined)
      expect(
        planDifferences(whole, bare, step.secrets),
        `${at}: preview and the bare plan`,
      ).toEqual([]);
    expect(planWords(whole), `${at}: plan`).toEqual(
      typeof step.plan === 'string' ? step.plan : [...(step.plan ?? [])].sort(),
    );
    step.preview?.(told, world);

    if (step.apply === 'no') await runner.leave();
    else if (typeof step.plan !== 'string') {
      const done = await runner.apply(step);
      const applied = await runner.state();
      await expectApplied(context, step, done, applied, at);
      step.applied?.(done, world);
      if ((step.apply ?? 'ends') === 'ends') {
        const again = await context.tofu.plan({
          ...bareRequest({ ...step, imports: [], options: {} }, row, world, files, applied),
          brief: true,
        });
        expect(again.exitCode, `${at}: nothing is left to do: ${again.text}`).toBe(0);
      }
    }
    const { secrets = [] } = step;
    const lines = secrets.length === 0 ? [] : await runner.lines();
    for (const secret of secrets)
      for (const line of lines) expect(line, `${at}: a secret is shown`).not.toContain(secret);
  }
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
  const addressOf = (mapping: ImportMapping): string =>
    'address' in mapping ? mapping.address : `${mapping.type}.${mapping.name}`;
  const imports = (step.imports ?? []).map(
    (mapping) =>
      `import {\n  to = ${addressOf(mapping)}\n  id = ${JSON.stringify(mapping.id)}\n}\n`,
  );
  // An import that was asked for does nothing besides.
  const imported = targets.length === 0 ? (step.imports ?? []).map(addressOf) : [];
  return {
    files: imports.length === 0 ? files : { ...files, 'imports_of_the_test.tf': imports.join('') },
    inputs: step.inputs ?? {},
    environment: { ...(row.outside ? world.environment : {}), ...step.environment },
    ...(state === undefined ? {} : { state }),
    flags: [
      ...(step.of === 'destroy' ? ['-destroy'] : step.of === 'refresh' ? ['-refresh-only'] : []),
      ...[...targets, ...imported].map((address) => `-target=${address}`),
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
