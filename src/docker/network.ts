/** The network of a module container. */
import { dockerCall, dockerStatus, ifPresent } from './docker-error.js';
import type { Engine } from './engine.js';
import { createLabels } from './labels.js';
import type { ModuleNetwork } from './module-run.js';

/** Network of runs that reach containers and nothing else. */
export const INTERNAL_NETWORK = 'cldctl-internal';

/** Gives the engine's name of a network; creates the internal one (containers only, no way out) when it is not there. */
export async function networkMode(engine: Engine, network: ModuleNetwork): Promise<string> {
  if (network === 'none') return 'none';
  if (network === 'open') return 'bridge';
  const present = await ifPresent('inspect the internal network', () =>
    engine.docker.getNetwork(INTERNAL_NETWORK).inspect(),
  );
  if (present === undefined) {
    await dockerCall('create the internal network', async () => {
      try {
        await engine.docker.createNetwork({
          Name: INTERNAL_NETWORK,
          Internal: true,
          CheckDuplicate: true,
          Labels: createLabels({}),
        });
      } catch (error) {
        if (dockerStatus(error) !== 409) throw error;
      }
    });
  }
  return INTERNAL_NETWORK;
}
