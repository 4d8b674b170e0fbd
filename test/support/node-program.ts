/** Test programs that run in a Node process of their own, so that they can be killed or starved. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** Bundles a TypeScript program for Node; returns the file and what removes it. */
export async function bundleProgram(
  source: string,
): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'cldctl-program-'));
  const path = join(folder, basename(source).replace(/\.ts$/, '.mjs'));
  const bun = join(
    dirname(createRequire(import.meta.url).resolve('bun/package.json')),
    'bin/bun.exe',
  );
  await promisify(execFile)(bun, ['build', source, '--target=node', `--outfile=${path}`]);
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
}
