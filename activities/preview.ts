import { previewStack } from '../src/operation/preview-stack.js';
import type { Activities } from '../src/operation/types.js';
import { withScope } from './activity-scope.js';
import type { ActivityDependencies } from './activity-dependencies.js';
import type { Sweep } from './sweep.js';

/** Plans, and saves the plan. */
export function createPreview(
  dependencies: ActivityDependencies,
  sweep: Sweep,
): Activities['preview'] {
  return (request) =>
    withScope(({ signal, letGo }) =>
      previewStack(dependencies, request, { signal, letGo, onContainer: sweep }),
    );
}
