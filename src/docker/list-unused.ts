/** What no container of an engine uses: images of modules, and our network. */
import { dockerCall, ifPresent } from './docker-error.js';
import type { Engine } from './engine.js';
import { LABEL } from './labels.js';
import { INTERNAL_NETWORK } from './network.js';

export interface UnusedImage {
  readonly id: string;
  /** Tags and digest references; none when a newer build took the name over. */
  readonly names: readonly string[];
  readonly createdAt: Date;
  /** Bytes, layers included that other images share. */
  readonly size: number;
}

/** Lists images that were built from a module and that no container, running or not, was made from. */
export async function listUnusedModuleImages({ docker }: Engine): Promise<UnusedImage[]> {
  const [images, containers] = await dockerCall('list images', () =>
    Promise.all([
      docker.listImages({ filters: { label: [LABEL.sourceDigest] } }),
      docker.listContainers({ all: true }),
    ]),
  );
  const used = new Set(containers.map(({ ImageID }) => ImageID));
  return images
    .filter(({ Id }) => !used.has(Id))
    .map(({ Id, RepoTags, RepoDigests, Created, Size }) => ({
      id: Id,
      names: [...(RepoTags ?? []), ...(RepoDigests ?? [])].filter(
        (name) => !name.includes('<none>'),
      ),
      createdAt: new Date(Created * 1000),
      size: Size,
    }));
}

/** The network of runs that reach containers only; undefined when there is none, or a container refers to it. */
export async function unusedInternalNetwork({ docker }: Engine): Promise<string | undefined> {
  const network = await ifPresent('inspect the internal network', () =>
    docker.getNetwork(INTERNAL_NETWORK).inspect(),
  );
  if (network === undefined) return undefined;
  const containers = await dockerCall('list containers', () =>
    docker.listContainers({ all: true, filters: { network: [INTERNAL_NETWORK] } }),
  );
  return containers.length === 0 ? INTERNAL_NETWORK : undefined;
}
