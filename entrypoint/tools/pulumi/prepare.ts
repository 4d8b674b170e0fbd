/** Build-time steps of a Pulumi module image. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { parseDocument } from 'yaml';
import { stringifyJson } from '../../../src/contract/index.js';
import { FailureError } from '../../failure-error.js';
import { TOOL_VERSION_FILE } from '../../locations.js';
import type { PrepareContext } from '../tool.js';
import { describePulumiModule } from './describe.js';
import { installedPlugins } from './installed-plugins.js';
import { findProjectFile, readProject } from './project-file.js';
import { PLUGIN_HOME } from './session.js';

/** Names below the directory that a module image's Dockerfile leaves for the runs. */
const PROGRAM = 'program';
const VENV = 'venv';
const PLUGINS_TIMEOUT = 5 * 60 * 1000;

/** `module`: writes the description and the version of the CLI, installs plugins, and points the project at what the image brings. */
export async function preparePulumi(verb: string, context: PrepareContext): Promise<void> {
  if (verb !== 'module')
    throw new FailureError('InvalidConfiguration', `prepare ${verb}: Pulumi knows only "module"`);
  const { locations, moduleDirectory } = context;
  const description = describePulumiModule(readProject(moduleDirectory));
  // Made before the CLI makes it, for root only, on the way to its home.
  mkdirSync(locations.prepared, { recursive: true });
  const version = pulumi(context, ['version']);
  if (version.status !== 0)
    throw new FailureError(
      'InvalidModule',
      'the image has no Pulumi CLI: build it from a Pulumi base image',
    );
  write(join(locations.prepared, TOOL_VERSION_FILE), version.stdout.trim().replace(/^v/, ''));
  useImageProgram(moduleDirectory, locations.prepared);
  const notices = installPlugins(context);
  const plugins = installedPlugins(join(locations.prepared, PLUGIN_HOME));
  const described = {
    ...description,
    ...(plugins.length === 0 ? {} : { plugins }),
    ...(notices.length === 0 ? {} : { notices }),
  };
  write(locations.description, `${stringifyJson(described, 2)}\n`);
}

/** A compiled program and the image's own Python environment take the place of what the project file names. */
function useImageProgram(moduleDirectory: string, prepared: string): void {
  const name = findProjectFile(moduleDirectory);
  if (name === undefined) return;
  const path = join(moduleDirectory, name);
  const document = parseDocument(readFileSync(path, 'utf8'));
  const runtime = document.get('runtime');
  const runtimeName =
    typeof runtime === 'string' ? runtime : String(document.getIn(['runtime', 'name']));
  const program = join(prepared, PROGRAM);
  if (runtimeName === 'go' && existsSync(program)) {
    if (typeof runtime === 'string')
      document.set('runtime', document.createNode({ name: runtime }));
    document.setIn(['runtime', 'options', 'binary'], program);
    document.deleteIn(['runtime', 'options', 'buildTarget']);
    writeGoShim(prepared, program);
  } else if (
    runtimeName === 'python' &&
    typeof runtime !== 'string' &&
    existsSync(join(prepared, VENV))
  ) {
    if (document.hasIn(['runtime', 'options', 'virtualenv']))
      document.deleteIn(['runtime', 'options', 'virtualenv']);
    if (document.hasIn(['runtime', 'options', 'toolchain']))
      document.deleteIn(['runtime', 'options', 'toolchain']);
  } else return;
  writeFileSync(
    path,
    name.endsWith('.json') ? stringifyJson(document.toJSON(), 2) : document.toString(),
  );
}

/** Language hosts of SDK 3.50 don't learn of `binary` and compile at each run: they are handed the program that the image has. */
function writeGoShim(prepared: string, program: string): void {
  const path = join(prepared, 'bin', 'go');
  write(
    path,
    [
      '#!/bin/sh',
      `[ "$#" = 3 ] && [ "$1 $2" = "build -o" ] && exec ln -sf ${program} "$3"`,
      'exec /usr/local/go/bin/go "$@"',
      '',
    ].join('\n'),
  );
  chmodSync(path, 0o755);
}

/**
 * Installs the plugins that the program needs, in the versions its dependencies name. A source that is not in reach is told as a notice:
 * the plugin may be on the image's PATH, and a run that misses it says so.
 */
function installPlugins(context: PrepareContext): string[] {
  const install = pulumi(context, ['install', '--no-dependencies']);
  openToRuns(join(context.locations.prepared, PLUGIN_HOME));
  if (install.status === 0) return [];
  const reason = install.stderr.replace(/\s+/g, ' ').trim().slice(0, 300);
  process.stderr.write(`plugins: ${reason}\n`);
  return [`not every plugin could be installed when the image was built: ${reason}`];
}

/** Plugins are installed by root, for root only; everything else that the CLI left (logs, caches) goes. */
function openToRuns(home: string): void {
  if (!existsSync(home)) return;
  const plugins = join(home, 'plugins');
  if (!existsSync(plugins) || readdirSync(plugins).length === 0) {
    rmSync(home, { recursive: true });
    return;
  }
  for (const name of readdirSync(home))
    if (name !== 'plugins') rmSync(join(home, name), { recursive: true });
  chmodSync(home, 0o755);
  chmodSync(plugins, 0o755);
  for (const entry of readdirSync(plugins, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const { mode } = statSync(path);
    chmodSync(path, mode | ((mode & 0o100) === 0 ? 0o444 : 0o555));
  }
}

function pulumi(
  { environment, locations, moduleDirectory }: PrepareContext,
  words: readonly string[],
): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(
    'pulumi',
    [...words, '--non-interactive', '--color', 'never'],
    {
      cwd: moduleDirectory,
      env: {
        ...environment,
        PULUMI_HOME: join(locations.prepared, PLUGIN_HOME),
        PULUMI_SKIP_UPDATE_CHECK: 'true',
        PULUMI_BACKEND_URL: 'file:///tmp',
      },
      encoding: 'utf8',
      timeout: PLUGINS_TIMEOUT,
    },
  );
  return { status, stdout: stdout ?? '', stderr: stderr ?? '' };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
