/** The one place of a stack's mutating run on an engine: what is there, and how it is cleared. */
import { EXIT } from '../contract/event.js';
import {
  inspectRun,
  removeFreedVolume,
  removeRun,
  type RunInspection,
} from '../docker/inspect-run.js';
import { createLabels } from '../docker/labels.js';
import type { ContainerObservation } from '../stack/attempt.js';
import { closeRun, markEnded, type AttemptRef } from '../stack/attempt-store.js';
import type { OperationDependencies } from './dependencies.js';

/** Labels that say which attempt a container is of. */
export function attemptLabels({ planDigest, attempt }: AttemptRef): Record<string, string> {
  return { purpose: 'mutation', planDigest, attempt: String(attempt) };
}

/** What Docker shows of the attempt's container. */
export async function observePlace(
  { engine }: Pick<OperationDependencies, 'engine'>,
  name: string,
  attempt: AttemptRef,
): Promise<ContainerObservation> {
  const found = await inspectRun(engine, name);
  if (found === undefined || !isOf(found, attempt)) return 'missing';
  if (found.state === 'exited' && found.exitCode === EXIT.inputIncomplete)
    return 'exited-incomplete';
  return found.state;
}

/** Removes what an earlier run left under the name; its result is safe, or the stack would still be bound to it. */
export async function clearPlace(
  { engine }: Pick<OperationDependencies, 'engine'>,
  name: string,
  attempt: AttemptRef,
): Promise<void> {
  const found = await inspectRun(engine, name);
  if (found !== undefined && isOf(found, attempt)) return;
  if (found !== undefined) await removeRun(engine, found.id);
  await removeFreedVolume(engine, name);
}

/** Ends an attempt that ran nothing and unbinds the stack; the plan may be tried again. */
export async function endAsNothing(
  { store }: Pick<OperationDependencies, 'store'>,
  attempt: AttemptRef,
): Promise<void> {
  await markEnded(store, attempt, { outcome: 'nothing-ran', at: new Date().toISOString() });
  await closeRun(store, attempt, (record) => record);
}

function isOf(found: RunInspection, attempt: AttemptRef): boolean {
  const own = createLabels(attemptLabels(attempt));
  return Object.entries(own).every(([name, value]) => found.labels[name] === value);
}
