/** The snapshot of a stack: the checkpoint file of Pulumi's own file backend. */
import { createHash } from 'node:crypto';
import { parseJsonFast, stringifyJson, type Json } from '../../../src/contract/json.js';
import { FailureError } from '../../failure-error.js';
import { isCounted } from './change-collector.js';
import type { Properties } from './engine-event.js';

export interface CheckpointResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Properties;
  readonly outputs?: Properties;
}

/** The part of a checkpoint (or of `pulumi stack export`) that we read. */
export interface Deployment {
  readonly secrets_providers?: {
    readonly type: string;
    readonly state?: { readonly salt?: string };
  };
  readonly resources?: readonly CheckpointResource[];
  readonly pending_operations?: readonly {
    readonly type: string;
    readonly resource: CheckpointResource;
  }[];
}

/** A stack's state as it was read. */
export interface StackState {
  /** SHA-256 (hex) of the state as Pulumi wrote it: another value means that someone wrote it since. */
  readonly fingerprint: string | null;
  readonly deployment: Deployment;
}

/** Reads a checkpoint file or the output of `stack export`. Throws `StateDamaged`. */
export function parseState(text: string): StackState {
  let body: { checkpoint?: { latest?: Deployment }; deployment?: Deployment };
  try {
    body = parseJsonFast(text) as typeof body;
  } catch {
    throw damaged('it is not JSON');
  }
  if (typeof body !== 'object' || body === null || !('checkpoint' in body || 'deployment' in body))
    throw damaged('it is neither a checkpoint nor an export of a Pulumi stack');
  const deployment = body.checkpoint === undefined ? body.deployment : body.checkpoint.latest;
  return {
    fingerprint: createHash('sha256').update(text).digest('hex'),
    deployment: deployment ?? {},
  };
}

/**
 * Text of the checkpoint file to start from: the snapshot itself, an export in its place, or a stack that has nothing yet. Throws
 * `StateDamaged` when the snapshot is another stack's: every name in a state carries its stack.
 */
export function checkpointText(stack: string, snapshot: string | undefined): string {
  if (snapshot === undefined) return stringifyJson({ version: 3, checkpoint: { stack } });
  parseState(snapshot);
  const body = parseJsonFast(snapshot) as {
    checkpoint?: { stack?: string };
    deployment?: Json;
    version?: Json;
  };
  if (body.checkpoint === undefined)
    return stringifyJson({
      version: body.version ?? 3,
      checkpoint: { stack, latest: body.deployment },
    });
  const owner = body.checkpoint.stack;
  if (owner !== undefined && owner !== stack)
    throw damaged(`it belongs to stack ${owner}, not ${stack}`);
  return snapshot;
}

/** The outputs that the root stack resource has in a state. */
export function stackOutputs(deployment: Deployment): Properties {
  return deployment.resources?.find(({ type }) => type === 'pulumi:pulumi:Stack')?.outputs ?? {};
}

/** How many resources a state has, without the stack itself and the providers the engine made. */
export function countResources(deployment: Deployment): number {
  return (deployment.resources ?? []).filter(isCounted).length;
}

/** Operations that were under way when a run died. */
export function pendingOperations(
  deployment: Deployment,
): { resource: string; operation: string }[] {
  return (deployment.pending_operations ?? []).map(({ type, resource }) => ({
    resource: resource.urn,
    operation: type,
  }));
}

function damaged(why: string): FailureError {
  return new FailureError('StateDamaged', `the state snapshot can't be used: ${why}`);
}
