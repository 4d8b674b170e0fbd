/** What the steps of one attempt share. */
import type { SavedPlan } from '../plan/plan-store.js';
import type { RunInputs } from './run-inputs.js';
import type { ExecuteRequest, RunReference } from './types.js';

export interface AttemptContext {
  readonly request: ExecuteRequest;
  readonly saved: SavedPlan;
  readonly inputs: RunInputs;
  /** The workflow run that opened the attempt. */
  readonly run: RunReference;
  /** Name of container and volume. */
  readonly containerName: string;
  /** A lock of the tool that a dead container of ours left, and that this run releases first. */
  readonly unlock?: string;
}
