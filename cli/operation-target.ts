import type { OperationTarget } from '../src/client/index.js';

/** The operation that `--run` and `--preview` name; without them the newest of the stack. */
export function operationTarget(
  stack: string,
  flags: { readonly run?: string; readonly preview?: string },
): OperationTarget {
  const workflowId = flags.preview ?? `stack:${stack}`;
  return flags.run === undefined ? { workflowId } : { workflowId, runId: flags.run };
}
