/** Taking an installation off an engine: everything that carries its label. */
import { dockerCall } from './docker-error.js';
import type { Engine } from './engine.js';
import { removeRun, removeVolume } from './inspect-run.js';
import { createLabels } from './labels.js';

/** Removes the containers, running or not, and the volumes of an installation; returns how many. Nothing may run for it any more. */
export async function removeInstallation(engine: Engine, installation: string): Promise<number> {
  const [label] = Object.entries(createLabels({ installation })).filter(([name]) =>
    name.endsWith('.installation'),
  );
  const filters = { label: [`${label?.[0] ?? ''}=${label?.[1] ?? ''}`] };
  const containers = await dockerCall('list containers', () =>
    engine.docker.listContainers({ all: true, filters }),
  );
  for (const { Id } of containers) await removeRun(engine, Id);
  const { Volumes: volumes } = await dockerCall('list volumes', () =>
    engine.docker.listVolumes({ filters }),
  );
  for (const { Name } of volumes ?? []) await removeVolume(engine, Name);
  return containers.length + (volumes?.length ?? 0);
}
