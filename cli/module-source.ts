/** `--module`: an existing directory becomes an archive in the store, anything else is an image. */
import { stat } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import type { ModuleSource } from '../src/contract/operation.js';
import { CodedError } from '../src/errors.js';
import type { CommandContext } from './command-context.js';

/**
 * The source that a word names. A directory below the worker's modules root is a path there; any other directory
 * is packed and put into the store. Throws `ModuleNotFound` for a path that leads nowhere, and `InvalidInput` for platforms of an image.
 */
export async function moduleSource(
  word: string,
  platforms: readonly string[] | undefined,
  context: CommandContext,
): Promise<ModuleSource> {
  const directory = resolve(context.cwd, word);
  const isDirectory = await stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isDirectory) {
    if (/^(\.{0,2}\/|\.{1,2}$|~)/.test(word))
      throw new CodedError('ModuleNotFound', `--module ${word}: there is no such directory`);
    if (platforms !== undefined)
      throw new CodedError('InvalidInput', '--platform: an image is not built; name a directory');
    return { image: word };
  }
  const several = platforms === undefined ? {} : { platforms: [...platforms] };
  const { modulesRoot } = await context.config();
  if (modulesRoot !== undefined) {
    const path = relative(modulesRoot, directory);
    if (path !== '' && path !== '..' && !path.startsWith(`..${sep}`)) return { path, ...several };
  }
  const { uploadModule } = await import('./upload-module.js');
  return { archive: await uploadModule(directory, context), ...several };
}
