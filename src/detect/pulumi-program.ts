/** Where a Pulumi project keeps its program. */
import { posix } from 'node:path';
import type { PulumiProject } from '../contract/pulumi-project.js';
import { CodedError } from '../errors.js';

/**
 * Folder of the program relative to the project file, `''` for the project's own: `main` names it, or a file in it. Throws `InvalidModule`
 * when that is outside the module or not there.
 */
export function programDirectory(project: PulumiProject, files: readonly string[]): string {
  if (project.main === undefined) return '';
  const main = posix
    .normalize(project.main)
    .replace(/^\.?\/?$/, '')
    .replace(/\/$/, '');
  if (posix.isAbsolute(main) || main === '..' || main.startsWith('../'))
    throw new CodedError(
      'InvalidModule',
      `main: "${project.main}" is outside the module: only the module's own directory goes into its image`,
    );
  if (main === '' || files.some((file) => file.startsWith(`${main}/`))) return main;
  // A compiled program or a script; JavaScript's ending can be left out.
  if (files.some((file) => file === main || file.startsWith(`${main}.`))) {
    const folder = posix.dirname(main);
    return folder === '.' ? '' : folder;
  }
  throw new CodedError('InvalidModule', `main: there is no "${project.main}" in the module`);
}

/** The folder that has one of the files: the program's, or the nearest above it, as package managers look; undefined when none has. */
export function nearestWith(
  names: readonly string[],
  program: string,
  files: readonly string[],
): string | undefined {
  for (let folder = program; ; folder = posix.dirname(folder).replace(/^\.$/, '')) {
    if (names.some((name) => files.includes(posix.join(folder, name)))) return folder;
    if (folder === '') return undefined;
  }
}
