/** Forces the running container of an operation to end. */
import { signalRun } from '../docker/inspect-run.js';
import { mutationName, previewName } from './container-names.js';
import type { OperationDependencies } from './dependencies.js';
import type { KillRequest } from './types.js';

/** Sends SIGKILL; says what that may have cost. */
export async function killContainer(
  { engine, store }: OperationDependencies,
  { stackId, containerKey }: KillRequest,
): Promise<{ message: string }> {
  const name =
    containerKey === undefined
      ? mutationName(store.installation, stackId)
      : previewName(store.installation, engine.id, containerKey);
  const running = await signalRun(engine, name, 'SIGKILL');
  if (!running) return { message: 'nothing was running any more' };
  return {
    message:
      containerKey === undefined
        ? 'killed; what the tool had begun may be done and missing from the state: the run ends with what is known, and the next apply asks'
        : 'killed; a preview changes nothing',
  };
}
