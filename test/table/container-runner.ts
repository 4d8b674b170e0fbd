/** Does a row's steps with one container each, without a store or a worker. */
import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { Change } from '../../src/contract/change.js';
import { parseJson, stringifyJson } from '../../src/contract/json.js';
import type { ModuleRequest } from '../../src/contract/request.js';
import type { ModuleResponse } from '../../src/contract/response.js';
import type { Engine } from '../../src/docker/engine.js';
import { removeRun } from '../../src/docker/inspect-run.js';
import { resolveLimits } from '../../src/docker/module-run.js';
import { runModule } from '../../src/docker/run-module.js';
import { held, type HeldResult } from '../support/held-result.js';
import type { OutsideWorld } from '../support/outside-world.js';
import { uniqueName } from '../support/test-engine.js';
import type { Row, Step } from './row.js';
import type { RowRunner } from './run-row.js';

/** A runner on an engine; each row has its own. */
export function containerRunner(
  engine: Engine,
  row: Row,
  world: OutsideWorld,
  signal: AbortSignal,
): RowRunner {
  const lines: string[] = [];
  let state: Uint8Array | undefined;
  let previewed: { image: string; plan: Uint8Array | undefined } | undefined;

  const run = async (
    image: string,
    request: ModuleRequest,
    plan?: Uint8Array,
  ): Promise<HeldResult> => {
    const name = uniqueName('table');
    try {
      return await held(
        await runModule(
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
        ),
      );
    } finally {
      await removeRun(engine, name, { volumes: true });
    }
  };

  return {
    async preview(step, image) {
      const result = await run(image, {
        ...requestOf(step, row, world),
        action: 'preview',
        preview_of: step.of ?? 'apply',
      });
      previewed = { image, plan: result.files.plan };
      lines.push(stringifyJson(result.response));
      return { told: result.response, whole: whole(result) };
    },
    async apply(step) {
      const { image, plan } = previewed ?? {};
      if (image === undefined || plan === undefined)
        throw new Error('the preview gave no plan file');
      const digest = `sha256:${createHash('sha256').update(plan).digest('hex')}`;
      const { response, files } = await run(
        image,
        {
          ...requestOf(step, row, world),
          action: step.of ?? 'apply',
          plan: { path: 'plan/plan', digest },
        },
        plan,
      );
      state = files.state ?? state;
      lines.push(stringifyJson({ ...response, outputs: {} }));
      return response;
    },
    leave: () => Promise.resolve(),
    state: () => Promise.resolve(state),
    lines: () => Promise.resolve(lines),
  };
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

/** The preview with all its changes and all drift, also those beyond the inline limit. */
function whole({ response, files }: HeldResult): ModuleResponse {
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
