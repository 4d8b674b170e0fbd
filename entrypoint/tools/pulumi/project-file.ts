/** Finds and reads the project file of a module. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  parsePulumiProject,
  PROJECT_FILES,
  type PulumiProject,
} from '../../../src/contract/pulumi-project.js';
import { FailureError } from '../../failure-error.js';

/** Name of the project file in a directory; undefined when there is none. */
export function findProjectFile(directory: string): string | undefined {
  return PROJECT_FILES.find((name) => existsSync(join(directory, name)));
}

/** Reads the project file. Throws `InvalidModule` that says what is wrong with it. */
export function readProject(directory: string): PulumiProject {
  const name = findProjectFile(directory);
  if (name === undefined) throw new FailureError('InvalidModule', `no Pulumi.yaml in ${directory}`);
  try {
    return parsePulumiProject(readFileSync(join(directory, name), 'utf8'), name);
  } catch (error) {
    throw new FailureError('InvalidModule', error instanceof Error ? error.message : String(error));
  }
}
