/** The files of a module directory that go into its image. */
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, posix, relative, sep } from 'node:path';
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
const WARNED: readonly (readonly [RegExp, string])[] = [
  [/\.tfstate(\.|$)/, 'state'],
  [/^(id_rsa|id_dsa|id_ecdsa|id_ed25519)$/, 'a private key'],
  [/\.(p12|pfx|jks|keystore)$/, 'a private key'],
  [/^\.env(\.|$)(?!example$|sample$|template$)/, 'credentials'],
  [
    /^(credentials|\.netrc|\.pgpass|\.pypirc|\.git-credentials|kubeconfig|\.terraformrc|\.tofurc|credentials\.tfrc\.json|application_default_credentials\.json)$/,
    'credentials',
  ],
];
/** Files that are left out for what is in them: a certificate and a registry's address are not secret. */
const READ: readonly (readonly [RegExp, RegExp, string])[] = [
  [/\.(pem|key)$/, /-----BEGIN [A-Z ]*PRIVATE KEY-----/, 'a private key'],
  [/^\.npmrc$/, /_(authToken|auth|password)\s*=/, 'credentials'],
];

/**
 * Lists the files, without those that `.dockerignore` names; a line `!PATH` in it that names the file, not just its folder, takes
 * in what would be left out for what it may hold. Throws `ModuleNotFound` when there is no such directory.
 */
export async function listModuleFiles(directory: string): Promise<ModuleFiles> {
  const ignored = await dockerignore(directory);
  const matcher = matcherOf(ignored);
  const takesIn = filesTakenIn(ignored);
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
        continue;
      }
      if (matcher.ignores(inside)) continue;
      const holds = takesIn(inside) ? undefined : await mayHold(path, name);
      if (holds !== undefined) {
        warnings.push(
          `${inside} is left out of the image: it may hold ${holds}; "!${inside}" in .dockerignore takes it in`,
        );
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

/** The docker command minds case. */
function matcherOf(lines: string): ReturnType<typeof dockerignoreModule.default> {
  return dockerignoreModule.default({ ignorecase: false }).add(lines);
}

/** Whether a line `!PATH` names the very file: one that takes in a whole folder says nothing of the credentials in it. */
function filesTakenIn(ignored: string): (file: string) => boolean {
  const matchers = ignored
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line.startsWith('!') && !/(^|\/)\*+\/*$/.test(line.slice(1).trim()))
    .map((line) => matcherOf(line.slice(1)));
  return (file) =>
    matchers.some((matcher) => matcher.ignores(file) && !matcher.ignores(posix.dirname(file)));
}

async function mayHold(path: string, name: string): Promise<string | undefined> {
  const found = WARNED.find(([pattern]) => pattern.test(name));
  if (found !== undefined) return found[1];
  const read = READ.find(([pattern]) => pattern.test(name));
  if (read === undefined) return undefined;
  const text = await readFile(path, 'latin1').catch(() => '');
  return read[1].test(text) ? read[2] : undefined;
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
