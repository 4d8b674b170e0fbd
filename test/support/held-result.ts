import { wholeOf } from '../../src/content.js';
import type { ModuleRunResult } from '../../src/docker/module-run.js';

/** A run's result that holds what the run left. */
export type HeldResult = Omit<ModuleRunResult, 'files'> & {
  readonly files: { readonly [Name in keyof ModuleRunResult['files']]: Buffer };
};

/** Reads what a run left, because its container will be removed. */
export async function held(result: ModuleRunResult): Promise<HeldResult> {
  const read = Object.entries(result.files).map(async ([name, content]) => [
    name,
    await wholeOf(content),
  ]);
  return { ...result, files: Object.fromEntries(await Promise.all(read)) as HeldResult['files'] };
}
