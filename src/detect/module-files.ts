/** The files of a module directory that go into its image. */
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import dockerignoreModule from '@balena/dockerignore';
import { CodedError } from '../errors.js';

/** One file or link; `executable` is all that is kept of the mode. */
export interface ModuleFile {
  /** Path below the module, `/`-separated. */
  readonly path: string;
  readonly executable: boolean;
  /** Target of a symbolic link. */
  readonly link?: string;
}

export interface ModuleFiles {
  /** Sorted by path. */
  readonly files: readonly ModuleFile[];
  /** What was left out although someone may expect it in the image. */
  readonly warnings: readonly string[];
}

/** Left out without a word: history, and what the build installs anew. */
const SILENT = ['.git', '.terraform', 'node_modules', '.venv', 'venv', '__pycache__', '.DS_Store'];
/** Left out with a warning: state and credentials have no business in an image. */
const WARNED = [
  /^\.?terraform\.tfstate(\.|$)/,
  /\.tfstate(\.backup)?$/,
  /^errored\.tfstate$/,
  /^\.env(\.|$)/,
  /^(id_rsa|id_ed25519|credentials|\.netrc|\.pgpass)$/,
  /\.pem$/,
  /^\.terraformrc$/,
];

/** Lists the files, without those that `.dockerignore` names. Throws `ModuleNotFound` when there is no such directory. */
export async function listModuleFiles(directory: string): Promise<ModuleFiles> {
  const matcher = dockerignoreModule.default().add(await dockerignore(directory));
  const files: ModuleFile[] = [];
  const warnings: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const { name } of await entriesOf(folder)) {
      const path = join(folder, name);
      const inside = relative(directory, path).split(sep).join('/');
      if (SILENT.includes(name)) continue;
      const found = await lstat(path);
      if (found.isDirectory()) {
        await walk(path);
      } else if (matcher.ignores(inside)) {
        continue;
      } else if (WARNED.some((pattern) => pattern.test(name))) {
        warnings.push(`${inside} is left out of the image: it may hold state or credentials`);
      } else if (found.isSymbolicLink()) {
        files.push({ path: inside, executable: false, link: await readlink(path) });
      } else if (found.isFile()) {
        files.push({ path: inside, executable: (found.mode & 0o111) !== 0 });
      }
    }
  };
  await walk(directory);
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files, warnings };
}

async function entriesOf(folder: string): Promise<{ name: string }[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new CodedError(
      'ModuleNotFound',
      code === 'ENOENT'
        ? `there is no directory ${folder}; check the path`
        : code === 'ENOTDIR'
          ? `${folder} is not a directory; name the directory that holds the module`
          : `directory ${folder} can't be read (${code})`,
      { cause: error },
    );
  }
}

async function dockerignore(directory: string): Promise<string> {
  return readFile(join(directory, '.dockerignore'), 'utf8').catch(() => '');
}
