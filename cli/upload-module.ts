/** A module directory of this machine, made readable for the workers of its store. */
import type { CommandContext } from './command-context.js';
import { packModule } from './pack-module.js';
import { withStore } from './with-store.js';

/** Packs the directory and puts it into the store; returns the archive's digest. */
export async function uploadModule(directory: string, context: CommandContext): Promise<string> {
  const archive = await packModule(directory);
  return withStore(context, (store) => store.artefacts.put(archive));
}
