/** One run of a module image through the product's runner, without a store or a worker. */
import { randomBytes } from 'node:crypto';
import type { EntrypointEvent } from '../../src/contract/event.js';
import type { ModuleRequest } from '../../src/contract/request.js';
import type { Engine } from '../../src/docker/engine.js';
import { removeRun } from '../../src/docker/inspect-run.js';
import { resolveLimits, type ModuleRun } from '../../src/docker/module-run.js';
import { runModule } from '../../src/docker/run-module.js';
import { held, type HeldResult } from './held-result.js';
import { uniqueName } from './test-engine.js';

export interface OneRun extends Partial<Omit<ModuleRun, 'request'>> {
  readonly image: string;
  readonly request: Partial<ModuleRequest> & Pick<ModuleRequest, 'action'>;
  readonly signal: AbortSignal;
  readonly onEvent?: (event: EntrypointEvent) => void;
}

/** Runs it, without a network where nothing else is said, and removes its container and volume. */
export async function runOnce(
  engine: Engine,
  { request, signal, onEvent = () => undefined, ...run }: OneRun,
): Promise<HeldResult> {
  const name = run.name ?? uniqueName(request.stack_name ?? 'once');
  try {
    const result = await runModule(
      engine,
      {
        name,
        labels: {},
        files: {},
        workspace: { kind: 'anonymous' },
        limits: resolveLimits({ network: 'none' }),
        stopGraceMs: 20_000,
        runTimeoutMs: 110_000,
        ...run,
        request: {
          contract: 1,
          passphrase: 'a passphrase of the test',
          seal_key: randomBytes(32).toString('base64'),
          ...request,
        },
      },
      { signal, onEvent },
    );
    return await held(result);
  } finally {
    await removeRun(engine, name, { volumes: true });
  }
}
