/** Which engine a module directory is for, and why. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine, Runtime } from '../contract/module-schema.js';
import { runtimeSchema } from '../contract/module-schema.js';
import { parsePulumiProject, PROJECT_FILES } from '../contract/pulumi-project.js';
import { CodedError } from '../errors.js';
import { listModuleFiles, type ModuleFile } from './module-files.js';

export interface DetectedModule {
  readonly engine: Engine;
  /** Pulumi only. */
  readonly runtime?: Runtime;
  /** Pulumi project name. */
  readonly project?: string;
  /** The file that the engine starts from. */
  readonly entry?: string;
  /** True when the directory brings its own Dockerfile. */
  readonly ownDockerfile: boolean;
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
  /** Files that go into the image. */
  readonly files: readonly ModuleFile[];
  /** SHA-256 over paths, modes and contents of those files. */
  readonly sourceDigest: string;
}

const TOFU_FILE = /^[^/]+\.(tf|tofu|tf\.json|tofu\.json)$/;

/**
 * Detects the module in a directory; `engine` decides when there are two. Throws `ModuleNotFound` when there is no such
 * directory, `InvalidModule` when it holds none, or two and nobody says which.
 */
export async function detectModule(
  directory: string,
  options: { readonly engine?: Engine | undefined } = {},
): Promise<DetectedModule> {
  const { files, warnings } = await listModuleFiles(directory);
  const paths = files.map(({ path }) => path);
  const project = PROJECT_FILES.find((name) => paths.includes(name));
  const tofu = paths.filter((path) => TOFU_FILE.test(path));
  const engine = chooseEngine(directory, options.engine, project, tofu);
  const common = {
    ownDockerfile: paths.includes('Dockerfile'),
    warnings,
    files,
    sourceDigest: await digestFiles(directory, files),
  };
  if (engine === 'opentofu' || project === undefined) {
    const shown = tofu.slice(0, 3).join(', ');
    const more = tofu.length > 3 ? ` and ${tofu.length - 3} more` : '';
    return { engine: 'opentofu', ...common, reasons: [`it has ${shown}${more}`] };
  }
  const parsed = parsePulumiProject(await readFile(join(directory, project), 'utf8'), project);
  const runtime = runtimeSchema.safeParse(parsed.runtime);
  if (!runtime.success)
    throw new CodedError(
      'InvalidModule',
      `${project}: runtime "${parsed.runtime}" is not supported: nodejs, python, go and yaml are`,
    );
  return {
    engine,
    runtime: runtime.data,
    project: parsed.name,
    entry: project,
    ...common,
    reasons: [`it has ${project} with runtime ${runtime.data}`],
  };
}

function chooseEngine(
  directory: string,
  wanted: Engine | undefined,
  project: string | undefined,
  tofu: readonly string[],
): Engine {
  if (project !== undefined && tofu.length > 0 && wanted === undefined)
    throw new CodedError(
      'InvalidModule',
      `${directory} holds two modules, ${project} and ${tofu[0] ?? ''}: name the engine, or take one of them out`,
    );
  const has = { opentofu: tofu.length > 0, pulumi: project !== undefined };
  const engine = wanted ?? (has.pulumi ? 'pulumi' : 'opentofu');
  if (has[engine]) return engine;
  throw new CodedError(
    'InvalidModule',
    `${directory} holds no ${wanted ?? ''} module: expected ${wanted === 'pulumi' ? 'Pulumi.yaml' : wanted === 'opentofu' ? '.tf or .tofu files' : '.tf or .tofu files, or Pulumi.yaml'}`.replace(
      'no  module',
      'no module',
    ),
  );
}

async function digestFiles(directory: string, files: readonly ModuleFile[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { path, executable, link } of files) {
    const content = link === undefined ? await readFile(join(directory, path)) : Buffer.from(link);
    const kind = link === undefined ? (executable ? 'x' : '-') : 'l';
    hash.update(`${kind} ${path}\0${content.length}\n`).update(content);
  }
  return `sha256:${hash.digest('hex')}`;
}
