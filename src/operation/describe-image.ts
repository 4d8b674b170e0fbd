/** Module descriptions by image id: an image never changes, and reading one costs a container. */
import type { ModuleDescription } from '../contract/module-schema.js';
import type { Engine } from '../docker/engine.js';
import { readModuleDescription } from '../docker/module-description.js';

/** Images whose descriptions are kept. */
const KEPT = 500;

/** Creates the look-up of one worker. */
export function createDescribe(
  engine: Engine,
): (imageId: string) => Promise<ModuleDescription | undefined> {
  const known = new Map<string, Promise<ModuleDescription | undefined>>();
  return (imageId) => {
    const found = known.get(imageId);
    if (found !== undefined) return found;
    if (known.size >= KEPT) known.clear();
    const reading = readModuleDescription(engine, imageId);
    known.set(imageId, reading);
    reading.catch(() => known.delete(imageId));
    return reading;
  };
}
