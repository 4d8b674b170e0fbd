/** Pushes a module image. */
import type { OperationDependencies } from './dependencies.js';
import type { ResolvedImage } from './types.js';

/** Placeholder until the push is wired. */
export async function pushModule(
  _dependencies: OperationDependencies,
  image: ResolvedImage,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  signal.throwIfAborted();
  return image;
}
