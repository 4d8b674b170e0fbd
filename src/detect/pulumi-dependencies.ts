/** How a Pulumi program names its dependencies. */
import type { PulumiProject } from '../contract/pulumi-project.js';
import { CodedError } from '../errors.js';

/** The tool that installs them, and the files it needs before the sources. */
export type PulumiDependencies =
  | {
      readonly runtime: 'nodejs';
      readonly manager: 'npm' | 'pnpm' | 'yarn' | 'bun';
      readonly files: readonly string[];
      readonly locked: boolean;
      readonly typescript: boolean;
    }
  | {
      readonly runtime: 'python';
      readonly manager: 'pip' | 'poetry' | 'uv';
      readonly files: readonly string[];
      readonly locked: boolean;
    }
  | { readonly runtime: 'go'; readonly files: readonly string[]; readonly locked: boolean }
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
 * Tells the dependencies from the project file and the names of the files beside it. Throws `InvalidModule` for a runtime that can't be
 * run, and for a program whose dependencies are named nowhere.
 */
export function detectPulumiDependencies(
  project: PulumiProject,
  files: readonly string[],
): PulumiDependencies {
  const has = (name: string): boolean => files.includes(name);
  switch (project.runtime) {
    case 'nodejs':
      return nodeDependencies(project, files);
    case 'python':
      return pythonDependencies(project, files);
    case 'go':
      require(has('go.mod'), 'go', 'go.mod');
      return { runtime: 'go', files: ['go.mod', 'go.sum'].filter(has), locked: has('go.sum') };
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

function nodeDependencies(project: PulumiProject, files: readonly string[]): PulumiDependencies {
  const has = (name: string): boolean => files.includes(name);
  require(has('package.json'), 'nodejs', 'package.json');
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
    files: ['package.json', ...own, ...NODE_EXTRAS.filter(has)],
    locked: own.length > 0,
    typescript: has('tsconfig.json') && project.runtimeOptions['typescript'] !== false,
  };
}

function pythonDependencies(project: PulumiProject, files: readonly string[]): PulumiDependencies {
  const has = (name: string): boolean => files.includes(name);
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
  require(has(manifest), 'python', manifest);
  const lock = manager === 'uv' ? 'uv.lock' : 'poetry.lock';
  const locks = manager !== 'pip' && has(lock) ? [lock] : [];
  return {
    runtime: 'python',
    manager,
    files: [manifest, ...locks],
    locked: manager === 'pip' ? false : locks.length > 0,
  };
}

function require(there: boolean, runtime: string, file: string): void {
  if (there) return;
  throw new CodedError(
    'InvalidModule',
    `a Pulumi ${runtime} program needs ${file} beside Pulumi.yaml: its dependencies are installed from it`,
  );
}
