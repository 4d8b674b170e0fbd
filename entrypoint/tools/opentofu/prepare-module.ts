import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { stringifyJson, type ModuleDescription } from '../../../src/contract/index.js';
import { FailureError } from '../../failure-error.js';
import { workspacePaths } from '../../locations.js';
import type { PrepareContext } from '../tool.js';
import { localBackend } from './backend.js';
import { buildTofu } from './build-tofu.js';
import { describeOpentofuModule } from './describe.js';
import { makeReadable } from './make-readable.js';
import { BACKEND_OVERRIDE, IMPORT_FILE, INSTALLED_MODULES, LOCK_FILE } from './module-files.js';
import { ownBackend } from './own-backend.js';
import { keepProviders } from './prepare-providers.js';
import { PROVIDERS_DIRECTORY, PROVIDERS_LOCK, TOOL_SETTINGS } from './prepared.js';
import { providerEnvironment, writeMirrorSettings } from './provider-source.js';

/**
 * Bakes the module in place: backend override, child modules and providers (those that `requirements` and `providers` installed; without
 * these steps they are installed here), verified lock file, and the description of what the module takes and gives. After it no run needs `init` or network.
 */
export async function prepareModule(context: PrepareContext): Promise<void> {
  const { moduleDirectory: module, locations, environment } = context;
  const { prepared } = locations;
  const [mirror] = context.arguments;
  const providers = join(prepared, PROVIDERS_DIRECTORY);
  const staged = existsSync(providers);
  clearToolData(module, staged);
  for (const name of [BACKEND_OVERRIDE, IMPORT_FILE]) rmSync(join(module, name), { force: true });
  const overridden = ownBackend(module);
  const backend = localBackend(workspacePaths(locations.workspace).state);
  writeFileSync(
    join(module, BACKEND_OVERRIDE),
    stringifyJson({ terraform: [{ backend: { local: backend.config } }] }),
  );

  const init = (source: string | undefined): void => {
    buildTofu(['init', '-input=false', '-no-color', '-reconfigure'], {
      cwd: module,
      environment: providerEnvironment(environment, source),
    });
  };
  if (staged) {
    const lock = join(prepared, PROVIDERS_LOCK);
    if (existsSync(lock)) copyFileSync(lock, join(module, LOCK_FILE));
  } else {
    init(mirror);
    keepProviders(module, context);
    rmSync(join(module, '.terraform', 'providers'), { recursive: true, force: true });
  }
  init(providers);
  checkOverride(module, backend.config['path']);
  writeMirrorSettings(join(prepared, TOOL_SETTINGS), providers);
  makeReadable(join(module, '.terraform'));
  for (const name of [LOCK_FILE, BACKEND_OVERRIDE])
    if (existsSync(join(module, name))) chmodSync(join(module, name), 0o644);

  const capture = { cwd: module, environment, capture: true };
  buildTofu(['validate', '-no-color'], { cwd: module, environment });
  const described = describeOpentofuModule(
    buildTofu(['show', '-json', '-module=.'], capture),
    module,
    '',
  );
  const description: ModuleDescription =
    overridden === undefined
      ? described
      : {
          ...described,
          notices: [
            `the module's ${overridden} is overridden: state is where the request says (options.keep_backend keeps it)`,
          ],
        };
  mkdirSync(dirname(locations.description), { recursive: true });
  writeFileSync(locations.description, `${stringifyJson(description, 2)}\n`, { mode: 0o644 });
}

/** Removes what the tool left in a checkout; child modules stay where `requirements` downloaded them. */
function clearToolData(module: string, staged: boolean): void {
  const data = join(module, '.terraform');
  if (!existsSync(data)) return;
  for (const name of readdirSync(data))
    if (!staged || join('.terraform', name) !== INSTALLED_MODULES)
      rmSync(join(data, name), { recursive: true });
}

/** A file of the module that sorts after our override would win without a word. */
function checkOverride(module: string, path: unknown): void {
  const { backend } = JSON.parse(
    readFileSync(join(module, '.terraform', 'terraform.tfstate'), 'utf8'),
  ) as {
    backend?: { type: string; config: { path?: string } };
  };
  if (backend?.type === 'local' && backend.config.path === path) return;
  throw new FailureError(
    'InvalidModule',
    `an override file of the module that sorts after ${BACKEND_OVERRIDE} sets the backend: rename it`,
  );
}
