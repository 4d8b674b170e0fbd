import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { FailureError } from '../failure-error.js';
import type { WorkspacePaths } from '../locations.js';
import { readTarStream } from './read-stdin.js';

/** The text of `input.json`, or `incomplete`: it did not arrive whole, nothing may be run. */
export type Input = { readonly text: string } | 'incomplete';

/** Reads `/workspace/input.json` (the form of the first contract); an answer of an earlier run is removed. */
export function readInputFile(paths: WorkspacePaths): Input {
  rmSync(paths.output, { recursive: true, force: true });
  return existsSync(paths.input) ? { text: readFileSync(paths.input, 'utf8') } : 'incomplete';
}

/**
 * Reads a tar from standard input: `input.json`, which never touches the disk, and files that go into the workspace. What an earlier run
 * left there is removed first, except state. Throws `FailureError` when a path leads out of the workspace.
 */
export async function readInputStream(
  paths: WorkspacePaths,
  stream: NodeJS.ReadableStream,
  deadline?: number,
): Promise<Input> {
  const files = await readTarStream(stream, deadline);
  const input = files?.find((file) => normalize(file.path) === 'input.json');
  if (files === undefined || input === undefined) return 'incomplete';
  for (const stale of [
    paths.input,
    paths.output,
    dirname(paths.plan),
    paths.temporary,
    paths.module,
    paths.credentials,
    paths.journal,
    paths.sealedAnswer,
  ])
    rmSync(stale, { recursive: true, force: true });
  for (const file of files) {
    if (file === input) continue;
    const target = join(paths.root, file.path);
    if (!target.startsWith(`${paths.root}/`))
      throw new FailureError(
        'InvalidInput',
        `input file "${file.path}" leads out of the workspace: send a relative path`,
      );
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    writeFileSync(target, file.content, { mode: 0o600 });
  }
  return { text: input.content.toString('utf8') };
}
