/** The containers of an installation, found by their labels. */
import { dockerCall } from './docker-error.js';
import type { Engine } from './engine.js';

export interface ListedRun {
  readonly id: string;
  readonly name: string;
  /** As the engine calls it: `created`, `running`, `exited`, … */
  readonly state: string;
  readonly createdAt: Date;
  readonly labels: Readonly<Record<string, string>>;
}

/** Lists containers, running or not, that have all these labels. Throws `DockerUnavailable`. */
export async function listRuns(
  engine: Engine,
  labels: Readonly<Record<string, string>>,
): Promise<ListedRun[]> {
  const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const found = await dockerCall('list containers', () =>
    engine.docker.listContainers({ all: true, filters: { label } }),
  );
  return found.map(({ Id, Names, State, Created, Labels }) => ({
    id: Id,
    name: (Names[0] ?? '').replace(/^\//, ''),
    state: State,
    createdAt: new Date(Created * 1000),
    labels: Labels,
  }));
}
