import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringifyJson } from '../../../src/contract/index.js';
import { FailureError } from '../../failure-error.js';
import type { PrepareContext } from '../tool.js';
import { buildTofu } from './build-tofu.js';
import { makeReadable } from './make-readable.js';
import { BACKEND_OVERRIDE, copyDirectory, INSTALLED_MODULES, LOCK_FILE } from './module-files.js';
import { writeBackend } from './working-copy.js';
import { localBackend } from './backend.js';

/** Name of the file that `requirements` writes and `providers` reads. */
export const REQUIREMENTS_FILE = 'providers.tf.json';

/**
 * Writes the providers that the module and its child modules need, and its lock file, to the first directory that is named, and the child
 * modules that were downloaded for it to the second: the step that bakes the module then needs no network.
 */
export async function prepareRequirements(context: PrepareContext): Promise<void> {
  const [target, childModules] = context.arguments;
  if (target === undefined)
    throw new FailureError('InvalidInput', 'prepare requirements DIR: the directory is missing');
  const copy = mkdtempSync(join(tmpdir(), 'requirements-'));
  try {
    copyDirectory(context.moduleDirectory, copy);
    rmSync(join(copy, '.terraform'), { recursive: true, force: true });
    // With a lock file `providers` wants them installed.
    for (const name of [BACKEND_OVERRIDE, LOCK_FILE]) rmSync(join(copy, name), { force: true });
    writeBackend(copy, localBackend(join(copy, 'state')));
    // Sorts last: a module whose own override would win gets its answer from the step that bakes it.
    renameSync(join(copy, BACKEND_OVERRIDE), join(copy, '~_override.tf.json'));
    const options = { cwd: copy, environment: context.environment };
    buildTofu(['get', '-no-color'], options);
    const tree = buildTofu(['providers', '-no-color'], { ...options, capture: true });
    mkdirSync(target, { recursive: true });
    writeFileSync(join(target, REQUIREMENTS_FILE), `${stringifyJson(requirementsOf(tree), 2)}\n`);
    const lock = join(context.moduleDirectory, LOCK_FILE);
    if (existsSync(lock)) copyFileSync(lock, join(target, LOCK_FILE));
    if (childModules !== undefined) keepChildModules(copy, childModules);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function keepChildModules(initialised: string, target: string): void {
  mkdirSync(target, { recursive: true });
  const installed = join(initialised, INSTALLED_MODULES);
  if (existsSync(installed)) cpSync(installed, target, { recursive: true, verbatimSymlinks: true });
  makeReadable(target);
}

/** The `required_providers` of a whole configuration from the tree that `tofu providers` prints, built-in ones left out. */
export function requirementsOf(tree: string): unknown {
  const constraints = new Map<string, Set<string>>();
  for (const [, source = '', version = ''] of tree.matchAll(/provider\[([^\]\s]+)\]([^\n]*)/g)) {
    if (source.startsWith('terraform.io/builtin/')) continue;
    const known = constraints.get(source) ?? new Set();
    for (const part of version.split(',')) if (part.trim() !== '') known.add(part.trim());
    constraints.set(source, known);
  }
  const entries = [...constraints]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([source, versions], index) => [
      `p${index}`,
      { source, ...(versions.size === 0 ? {} : { version: [...versions].sort().join(', ') }) },
    ]);
  return { terraform: [{ required_providers: [Object.fromEntries(entries) as unknown] }] };
}
