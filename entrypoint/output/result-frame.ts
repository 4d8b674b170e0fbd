import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ModuleResponse } from '../../src/contract/index.js';
import type { WorkspacePaths } from '../locations.js';
import { sealFrame } from '../../src/contract/sealed-frame.js';

/** A file that compresses less than this can't be in a frame. */
const LARGEST = 8 * 1024 * 1024;

/**
 * The sealed copy of the result with the plan, state, changes and drift files that the answer names; undefined when not all of it fits
 * (the worker then collects the workspace).
 */
export function resultFrame(
  response: ModuleResponse,
  outputText: string,
  exitCode: number,
  rest: {
    readonly paths: WorkspacePaths;
    readonly rescuedState: Buffer | undefined;
    /** Base64. */
    readonly key: string;
  },
): string | undefined {
  const named = {
    plan: response.plan?.path,
    state: response.state?.path,
    changes: response.changes_file?.path,
    drift: response.drift_file?.path,
  };
  const files: Record<string, Uint8Array> = { 'output.json': Buffer.from(outputText) };
  if (rest.rescuedState !== undefined) files['state'] = rest.rescuedState;
  for (const [name, path] of Object.entries(named)) {
    if (path === undefined) continue;
    const file = join(rest.paths.root, path);
    if (!existsSync(file) || statSync(file).size > LARGEST) return undefined;
    files[name] = readFileSync(file);
  }
  return sealFrame({ exitCode, files }, Buffer.from(rest.key, 'base64'));
}
