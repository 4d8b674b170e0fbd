import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FailureError } from '../../failure-error.js';
import { TOOL_VERSION_FILE } from '../../locations.js';
import type { PrepareContext } from '../tool.js';
import { buildTofu } from './build-tofu.js';
import { makeReadable } from './make-readable.js';
import { LOCK_FILE } from './module-files.js';
import { PROVIDERS_DIRECTORY, PROVIDERS_LOCK } from './prepared.js';
import { REQUIREMENTS_FILE } from './prepare-requirements.js';
import { providerEnvironment } from './provider-source.js';

/** Installs the providers that a requirements directory names, verified against its lock file, into the image. */
export async function prepareProviders(context: PrepareContext): Promise<void> {
  const [source, mirror] = context.arguments;
  if (source === undefined || !existsSync(join(source, REQUIREMENTS_FILE)))
    throw new FailureError(
      'InvalidInput',
      `prepare providers DIR: ${source ?? 'DIR'} has no ${REQUIREMENTS_FILE}`,
    );
  const work = mkdtempSync(join(tmpdir(), 'providers-'));
  try {
    for (const name of [REQUIREMENTS_FILE, LOCK_FILE])
      if (existsSync(join(source, name))) copyFileSync(join(source, name), join(work, name));
    buildTofu(['init', '-input=false', '-no-color', '-backend=false'], {
      cwd: work,
      environment: providerEnvironment(context.environment, mirror),
    });
    keepProviders(work, context);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Copies what `init` installed in a directory, which is in mirror layout, with its lock file and the tool's version to where the runs find it. */
export function keepProviders(
  initialised: string,
  { environment, locations: { prepared } }: PrepareContext,
): void {
  const target = join(prepared, PROVIDERS_DIRECTORY);
  mkdirSync(target, { recursive: true });
  const installed = join(initialised, '.terraform', 'providers');
  // Providers from a directory mirror are links into it, and the mirror is not part of the image.
  if (existsSync(installed)) cpSync(installed, target, { recursive: true, dereference: true });
  makeReadable(target);
  const lock = join(initialised, LOCK_FILE);
  if (existsSync(lock)) copyFileSync(lock, join(prepared, PROVIDERS_LOCK));
  const version = buildTofu(['version', '-json'], { cwd: initialised, environment, capture: true });
  const { terraform_version: tool } = JSON.parse(version) as { terraform_version: string };
  writeFileSync(join(prepared, TOOL_VERSION_FILE), `${tool}\n`);
}
