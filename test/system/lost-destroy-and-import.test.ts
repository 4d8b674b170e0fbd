/** Lost destroys and imports whose state is our own. */
import { afterAll, beforeAll, describe } from 'vitest';
import { createLocalSystem, type LocalSystem } from '../support/local-system.js';
import {
  applyChain,
  CHAIN,
  outsideModuleImages,
  TOOLS,
  type Tool,
} from '../support/outside-modules.js';
import { startOutsideWorld, type OutsideWorld } from '../support/outside-world.js';
import { lostDestroyCases, lostImportCases, type LostPlace } from './lost-cases.js';

const abort = new AbortController();
let world: OutsideWorld;
let system: LocalSystem;
let images: Record<Tool, string>;

beforeAll(async () => {
  world = await startOutsideWorld();
  system = await createLocalSystem({
    env: { CLDCTL_DOCKER_SOCKET_GRANT: world.withoutNetwork.dockerSocket.path },
  });
  images = await outsideModuleImages(system.engine, CHAIN, abort.signal);
  await system.startWorker();
}, 900_000);
afterAll(async () => {
  abort.abort();
  await system.close();
  await world.close();
});

describe.each(TOOLS)('%s', (tool) => {
  const place: LostPlace = {
    name: tool,
    tool,
    get system() {
      return system;
    },
    get world() {
      return world;
    },
    operation: (stackId, more) => applyChain(world, stackId, images[tool], more),
  };
  describe('its container removed during a destroy', () => lostDestroyCases(place));
  describe('its container removed during an import', () => lostImportCases(place));
});
