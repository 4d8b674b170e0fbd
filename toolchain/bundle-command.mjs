// Bundles the compiled command into a few files: half of a short command's time was the finding and reading of some hundred modules.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Left to node_modules: native code, and what only a worker or a build loads. */
const external = [
  '@aws-sdk/client-s3',
  '@temporalio/activity',
  '@temporalio/worker',
  '@temporalio/workflow',
  'dockerode',
  'pg',
  'pino',
];

/** Writes `dist/command/main.js`, what it loads, and the licences of the packages in it. Throws when bun can't bundle it. */
export function bundleCommand(root) {
  const folder = join(root, 'dist', 'command');
  const list = join(root, 'dist', 'command.json');
  rmSync(folder, { recursive: true, force: true });
  const { status, stderr } = spawnSync(
    join(root, 'node_modules', '.bin', 'bun'),
    [
      ...['build', join('dist', 'cli', 'main.js'), '--target=node', '--splitting'],
      ...['--outdir', folder, `--metafile=${list}`],
      ...external.flatMap((name) => ['--external', name]),
    ],
    { cwd: root, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`the command can't be bundled: ${stderr}`);
  const inputs = Object.keys(JSON.parse(readFileSync(list, 'utf8')).inputs);
  writeFileSync(join(folder, 'LICENSES.txt'), licences(root, packagesOf(inputs)));
  rmSync(list);
}

function packagesOf(inputs) {
  const packages = inputs.map((path) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  return [...new Set(packages.filter((path) => path !== undefined))].sort();
}

function licences(root, packages) {
  return packages
    .map((path) => {
      const { name, version, license } = JSON.parse(
        readFileSync(join(root, path, 'package.json'), 'utf8'),
      );
      const file = readdirSync(join(root, path)).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file === undefined ? '' : readFileSync(join(root, path, file), 'utf8');
      return `${name} ${version} (${license})\n\n${text.trim()}\n`;
    })
    .join('\n----\n\n');
}
