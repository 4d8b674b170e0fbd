/** How a Pulumi program names its dependencies. */
import { posix } from 'node:path';
import type { PulumiProject } from '../contract/pulumi-project.js';
import { CodedError } from '../errors.js';
import { nearestWith, programDirectory } from './pulumi-program.js';

/** What an installer needs before the sources. */
interface Manifest {
  /** Folder of the manifest relative to the project file; `''` for the project's own. */
  readonly directory: string;
  /** Names in that folder. */
  readonly files: readonly string[];
  /** There is a lock file of the installer. */
  readonly locked: boolean;
}

/** The tool that installs them, and what it needs. */
export type PulumiDependencies =
  | (Manifest & {
      readonly runtime: 'nodejs';
      readonly manager: 'npm' | 'pnpm' | 'yarn' | 'bun';
      readonly typescript: boolean;
    })
  | (Manifest & { readonly runtime: 'python'; readonly manager: 'pip' | 'poetry' | 'uv' })
  | (Manifest & {
      readonly runtime: 'go';
      /** Folder of the program's package relative to the manifest's. */
      readonly program: string;
    })
  | { readonly runtime: 'yaml' };

const NODE_LOCKS = {
  'package-lock.json': 'npm',
  'npm-shrinkwrap.json': 'npm',
  'pnpm-lock.yaml': 'pnpm',
  'yarn.lock': 'yarn',
  'bun.lock': 'bun',
  'bun.lockb': 'bun',
} as const;
const NODE_EXTRAS = ['.npmrc', '.yarnrc.yml', 'pnpm-workspace.yaml', 'tsconfig.json'];
const UNTESTED = ['dotnet', 'java', 'bun'];

/**
 * Tells the dependencies from the project file and the paths of the module's files. Throws `InvalidModule` for a runtime that can't be
 * run, for a program that is not there, and for one whose dependencies are named nowhere.
 */
export function detectPulumiDependencies(
  project: PulumiProject,
  files: readonly string[],
): PulumiDependencies {
  const program = programDirectory(project, files);
  switch (project.runtime) {
    case 'nodejs':
      return nodeDependencies(
        project,
        manifestDirectory('nodejs', ['package.json'], program, files),
      );
    case 'python':
      return pythonDependencies(
        project,
        manifestDirectory('python', ['requirements.txt', 'pyproject.toml'], program, files),
      );
    case 'go': {
      const { directory, has } = manifestDirectory('go', ['go.mod'], program, files);
      return {
        runtime: 'go',
        directory,
        files: ['go.mod', 'go.sum'].filter(has),
        locked: has('go.sum'),
        program: posix.relative(directory, program),
      };
    }
    case 'yaml':
      return { runtime: 'yaml' };
    default:
      throw new CodedError(
        'InvalidModule',
        UNTESTED.includes(project.runtime)
          ? `Pulumi runtime ${project.runtime} is not supported yet: nodejs, python, go and yaml are`
          : `"${project.runtime}" is no Pulumi runtime we know: nodejs, python, go and yaml are supported`,
      );
  }
}

function nodeDependencies(
  project: PulumiProject,
  { directory, has }: ManifestDirectory,
): PulumiDependencies {
  const lock = Object.keys(NODE_LOCKS).find(has) as keyof typeof NODE_LOCKS | undefined;
  const asked = project.runtimeOptions['packagemanager'];
  const manager =
    asked === 'npm' || asked === 'pnpm' || asked === 'yarn' || asked === 'bun'
      ? asked
      : lock === undefined
        ? 'npm'
        : NODE_LOCKS[lock];
  const own = Object.keys(NODE_LOCKS).filter(
    (name) => has(name) && NODE_LOCKS[name as keyof typeof NODE_LOCKS] === manager,
  );
  return {
    runtime: 'nodejs',
    manager,
    directory,
    files: ['package.json', ...own, ...NODE_EXTRAS.filter(has)],
    locked: own.length > 0,
    typescript: has('tsconfig.json') && project.runtimeOptions['typescript'] !== false,
  };
}

function pythonDependencies(
  project: PulumiProject,
  { directory, has }: ManifestDirectory,
): PulumiDependencies {
  const asked = project.runtimeOptions['toolchain'];
  const manager =
    asked === 'pip' || asked === 'poetry' || asked === 'uv'
      ? asked
      : has('uv.lock')
        ? 'uv'
        : has('poetry.lock')
          ? 'poetry'
          : 'pip';
  const manifest = manager === 'pip' ? 'requirements.txt' : 'pyproject.toml';
  if (!has(manifest)) throw missing('python', manifest, directory);
  const lock = manager === 'uv' ? 'uv.lock' : 'poetry.lock';
  const locks = manager !== 'pip' && has(lock) ? [lock] : [];
  return {
    runtime: 'python',
    manager,
    directory,
    files: [manifest, ...locks],
    locked: manager === 'pip' ? false : locks.length > 0,
  };
}

interface ManifestDirectory {
  readonly directory: string;
  readonly has: (name: string) => boolean;
}

function manifestDirectory(
  runtime: string,
  names: readonly [string, ...string[]],
  program: string,
  files: readonly string[],
): ManifestDirectory {
  const directory = nearestWith(names, program, files);
  if (directory === undefined) throw missing(runtime, names[0], program);
  return { directory, has: (name) => files.includes(posix.join(directory, name)) };
}

function missing(runtime: string, file: string, program: string): CodedError {
  const place = program === '' ? 'beside Pulumi.yaml' : `in ${program} or above it`;
  return new CodedError(
    'InvalidModule',
    `a Pulumi ${runtime} program needs ${file} ${place}: its dependencies are installed from it`,
  );
}
