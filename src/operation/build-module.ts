/** The image of a module source: pulled, or built from a directory. */
import { CodedError } from '../errors.js';
import type { OperationDependencies } from './dependencies.js';
import type { BuildRequest, BuiltModule } from './types.js';

/** Placeholder until the builder is wired. */
export async function buildModule(
  _dependencies: OperationDependencies,
  { source }: BuildRequest,
  signal: AbortSignal,
): Promise<BuiltModule> {
  signal.throwIfAborted();
  throw new CodedError(
    'ModuleNotFound',
    `module: ${JSON.stringify(source)} is not on this worker's Docker engine`,
  );
}
