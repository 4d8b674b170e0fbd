import { existsSync, readFileSync } from 'node:fs';
import type { Json, OutputValue } from '../../../src/contract/index.js';
import { parseJsonFast } from '../../../src/contract/json.js';

/** What a state says about itself. */
export interface StateSummary {
  /** `lineage/serial`. */
  readonly fingerprint: string;
  readonly serial: number;
  readonly lineage: string;
  readonly resources: number;
  /** Absent when the state is encrypted. */
  readonly outputs: Record<string, OutputValue> | undefined;
  readonly content: Json;
}

/** A state file: whole, not there (or empty: a lock makes it so), or not a state at all. */
export type StateFile = StateSummary | 'none' | 'damaged';

/** Reads a state file of format 4, encrypted ones too. */
export function readStateFile(path: string): StateFile {
  if (!existsSync(path)) return 'none';
  return readStateText(readFileSync(path, 'utf8'));
}

export function readStateText(text: string): StateFile {
  if (text.trim() === '') return 'none';
  let content: Json;
  try {
    content = parseJsonFast(text);
  } catch {
    return 'damaged';
  }
  const state = content as {
    readonly serial?: unknown;
    readonly lineage?: unknown;
    readonly resources?: unknown;
    readonly outputs?: Record<string, { value: Json; sensitive?: boolean }>;
    readonly encrypted_data?: unknown;
  } | null;
  if (typeof state?.serial !== 'number' || typeof state.lineage !== 'string') return 'damaged';
  const encrypted = state.encrypted_data !== undefined;
  if (!encrypted && !Array.isArray(state.resources)) return 'damaged';
  // What `state pull` prints for a place that holds nothing yet.
  if (!encrypted && state.lineage === '' && state.serial === 0 && isEmptyState(state))
    return 'none';
  return {
    fingerprint: `${state.lineage}/${state.serial}`,
    serial: state.serial,
    lineage: state.lineage,
    resources: Array.isArray(state.resources) ? countInstances(state.resources) : 0,
    outputs: encrypted ? undefined : outputValues(state.outputs ?? {}),
    content,
  };
}

function isEmptyState(state: { readonly resources?: unknown; readonly outputs?: object }): boolean {
  return (
    (state.resources as unknown[]).length === 0 && Object.keys(state.outputs ?? {}).length === 0
  );
}

function outputValues(
  outputs: Record<string, { value: Json; sensitive?: boolean }>,
): Record<string, OutputValue> {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { value, sensitive }]) => [
      name,
      { value, ...(sensitive === true ? { sensitive } : {}) },
    ]),
  );
}

function countInstances(
  resources: readonly { readonly mode?: string; readonly instances?: readonly unknown[] }[],
): number {
  return resources.reduce(
    (sum, { mode, instances }) => sum + (mode === 'data' ? 0 : (instances?.length ?? 0)),
    0,
  );
}
