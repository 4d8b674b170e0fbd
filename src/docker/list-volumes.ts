/** The volumes of an installation that no container has any more. */
import { dockerCall } from './docker-error.js';
import type { Engine } from './engine.js';

export interface ListedVolume {
  readonly name: string;
  /** Undefined where the engine does not say it. */
  readonly createdAt: Date | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** Lists volumes with all these labels that no container, running or not, refers to. Throws `DockerUnavailable`. */
export async function listUnusedVolumes(
  engine: Engine,
  labels: Readonly<Record<string, string>>,
): Promise<ListedVolume[]> {
  const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const { Volumes: found } = await dockerCall('list volumes', () =>
    engine.docker.listVolumes({ filters: { label, dangling: ['true'] } }),
  );
  return (found ?? []).map((volume) => {
    const { CreatedAt: createdAt } = volume as { CreatedAt?: string };
    return {
      name: volume.Name,
      createdAt: createdAt === undefined ? undefined : new Date(createdAt),
      labels: volume.Labels ?? {},
    };
  });
}
