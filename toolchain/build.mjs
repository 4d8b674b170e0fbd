// Compiles the sources into dist/, bundles the workflows and the command; does nothing when nothing changed since the last complete build.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundleCommand } from './bundle-command.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const stamp = join(dist, '.build-digest');
const workflowBundle = join(dist, 'workflow-bundle.js');
const folders = ['src', 'workflows', 'activities', 'entrypoint', 'cli', 'bench'];

/** Whether dist/ is what the sources give. */
export function isBuilt() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === sourceDigest();
}

/** Builds. Throws when a source does not compile. */
export async function build() {
  const digest = sourceDigest();
  for (const file of [stamp, workflowBundle]) rmSync(file, { force: true });
  removeOrphans(new Set(sourceFiles()));
  compile();
  await bundleWorkflows();
  bundleCommand(root);
  writeFileSync(stamp, digest);
}

function sourceFiles() {
  return folders.flatMap((folder) => filesBelow(join(root, folder), '.ts'));
}

function sourceDigest() {
  return digestOf([
    ...sourceFiles(),
    ...['package-lock.json', 'tsconfig.json', 'tsconfig.build.json'].map((name) =>
      join(root, name),
    ),
    ...['build.mjs', 'bundle-command.mjs'].map((name) => join(root, 'toolchain', name)),
  ]);
}

function compile() {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the sources do not compile');
}

async function bundleWorkflows() {
  const module = join(dist, 'src', 'temporal', 'bundle-workflows.js');
  const { bundleWorkflows: bundle } = await import(pathToFileURL(module).href);
  const { code } = await bundle();
  writeFileSync(`${workflowBundle}.new`, code);
  renameSync(`${workflowBundle}.new`, workflowBundle);
}

/** What was compiled from a source that is gone must not be found by an import any more. */
function removeOrphans(sources) {
  for (const folder of [...folders, 'test']) {
    for (const file of filesBelow(join(dist, folder), '')) {
      const source = join(root, relative(dist, file)).replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts');
      if (!sources.has(source)) rmSync(file);
    }
  }
}

function filesBelow(folder, ending) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function digestOf(files) {
  const hash = createHash('sha256');
  for (const file of files) {
    if (!existsSync(file)) continue;
    const content = readFileSync(file);
    hash.update(`${relative(root, file)} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    if (!isBuilt()) await build();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
