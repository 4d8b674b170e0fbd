/** A state that comes from elsewhere, or from an earlier version, made ready to be a stack's next version. */
import { stringifyJson } from '../contract/json.js';
import type { Engine } from '../contract/module-schema.js';
import { CodedError } from '../errors.js';
import { describeState, parseState, type StateDescription } from './describe.js';

/** What a restore would store. */
export interface RestorableState {
  readonly bytes: Uint8Array;
  readonly description: StateDescription;
}

/**
 * Checks a state against the stack's current one and raises an OpenTofu serial above it, so that plans made
 * on the current state are stale. Throws `StateDamaged` for what is no state of the engine, `InvalidInput` for
 * the state of another stack (OpenTofu: lineage, Pulumi: stack and project) unless `acceptOtherLineage`.
 */
export function prepareRestore(
  engine: Engine,
  bytes: Uint8Array,
  current: Uint8Array | undefined,
  options: { readonly acceptOtherLineage?: boolean } = {},
): RestorableState {
  const incoming = describeState(engine, bytes);
  if (current === undefined) return { bytes, description: incoming };
  const present = describeState(engine, current);
  const isOther = present.lineage !== undefined && incoming.lineage !== present.lineage;
  // A Pulumi state without resources belongs to no stack yet.
  if (isOther && incoming.lineage !== undefined && !options.acceptOtherLineage) {
    throw new CodedError(
      'InvalidInput',
      `this is the state of another stack: it belongs to ${incoming.lineage}, this stack's to ${present.lineage}`,
    );
  }
  if (engine === 'pulumi') return { bytes, description: incoming };
  const serial = Math.max((present.serial ?? 0) + 1, incoming.serial ?? 0);
  const raised = Buffer.from(`${stringifyJson({ ...parseState(engine, bytes), serial }, 2)}\n`);
  return { bytes: raised, description: describeState(engine, raised) };
}
