import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringifyJson, type ModuleRequest } from '../../../src/contract/index.js';
import { workspacePath, type WorkspacePaths } from '../../locations.js';
import type { Backend } from './backend.js';
import { localBackend, urlBackend } from './backend.js';
import { BACKEND_OVERRIDE, copyDirectory, IMPORT_FILE } from './module-files.js';

/** The writable copy of the module and where its state is. */
export interface WorkingCopy {
  /** Undefined when the module's own backend is kept. */
  readonly backend: Backend | undefined;
  /** True when state is the file `paths.state`. */
  readonly localState: boolean;
}

/**
 * Copies the module into the workspace, so that modules that write beside themselves work under a read-only root, and points it at the
 * request's state. The data file that `init` would write is written by hand: then `plan` needs no `init`.
 */
export function createWorkingCopy(
  moduleDirectory: string,
  paths: WorkspacePaths,
  request: ModuleRequest,
): WorkingCopy {
  rmSync(paths.module, { recursive: true, force: true });
  copyDirectory(moduleDirectory, paths.module);
  writeImports(paths, request);
  if (request.options?.keep_backend === true) {
    rmSync(join(paths.module, BACKEND_OVERRIDE), { force: true });
    rmSync(join(paths.module, '.terraform', 'terraform.tfstate'), { force: true });
    return { backend: undefined, localState: false };
  }
  const { state } = request;
  const backend =
    state !== undefined && 'url' in state
      ? urlBackend(state.url, request)
      : localBackend(paths.state);
  writeBackend(paths.module, backend);
  if (backend.type === 'local')
    placeState(paths, state !== undefined && 'path' in state ? state.path : undefined);
  return { backend, localState: backend.type === 'local' };
}

/** Writes the override and the data file that `init` would leave; OpenTofu compares the two and repairs the hash. */
export function writeBackend(moduleDirectory: string, backend: Backend): void {
  const { type, config } = backend;
  writeFileSync(
    join(moduleDirectory, BACKEND_OVERRIDE),
    stringifyJson({ terraform: [{ backend: { [type]: config } }] }),
  );
  mkdirSync(join(moduleDirectory, '.terraform'), { recursive: true });
  writeFileSync(
    join(moduleDirectory, '.terraform', 'terraform.tfstate'),
    stringifyJson({ version: 3, backend: { type, config, hash: 0 } }),
  );
}

function placeState(paths: WorkspacePaths, given: string | undefined): void {
  mkdirSync(dirname(paths.state), { recursive: true, mode: 0o700 });
  if (given === undefined) return;
  const source = workspacePath(paths, given);
  if (source !== paths.state && existsSync(source)) renameSync(source, paths.state);
}

function writeImports(paths: WorkspacePaths, request: ModuleRequest): void {
  if (request.imports === undefined || request.plan !== undefined) return;
  const blocks = request.imports.map((mapping) => {
    if ('address' in mapping) return { to: mapping.address, id: mapping.id };
    return { to: `${mapping.type}.${mapping.name}`, id: mapping.id };
  });
  writeFileSync(join(paths.module, IMPORT_FILE), stringifyJson({ import: blocks }));
}
