/** Looking at, stopping and removing the container of a run, by name or id. */
import { setTimeout as delay } from 'node:timers/promises';
import { CodedError } from '../errors.js';
import {
  dockerCall,
  dockerMessage,
  dockerStatus,
  fromDockerError,
  ifPresent,
} from './docker-error.js';
import type { Engine } from './engine.js';

export interface RunInspection {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly state: 'created' | 'running' | 'exited' | 'dead';
  /** Only when exited. */
  readonly exitCode?: number;
  readonly oomKilled: boolean;
  /** The engine's words when it could not start it. */
  readonly error?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Finds the container of a run; undefined when there is none. Throws `DockerUnavailable`. */
export async function inspectRun(engine: Engine, name: string): Promise<RunInspection | undefined> {
  const found = await ifPresent(`inspect container ${name}`, () =>
    engine.docker.getContainer(name).inspect(),
  );
  if (found === undefined) return undefined;
  const { Status, ExitCode, OOMKilled, Error: error, StartedAt, FinishedAt } = found.State;
  const state =
    Status === 'created' || Status === 'exited'
      ? Status
      : Status === 'dead' || (Status as string) === 'removing'
        ? 'dead'
        : 'running';
  return {
    id: found.Id,
    name: found.Name.replace(/^\//, ''),
    image: found.Image,
    state,
    ...(state === 'exited' ? { exitCode: ExitCode } : {}),
    oomKilled: OOMKilled,
    ...(error === '' ? {} : { error }),
    ...(happened(StartedAt) ? { startedAt: StartedAt } : {}),
    ...(happened(FinishedAt) ? { finishedAt: FinishedAt } : {}),
    labels: found.Config.Labels ?? {},
  };
}

function happened(time: string): boolean {
  return !time.startsWith('0001-');
}

/** Sends a signal to the container's first process; false when it is not running (any more). */
export async function signalRun(
  engine: Engine,
  name: string,
  signal: 'SIGINT' | 'SIGKILL',
): Promise<boolean> {
  return dockerCall(`send ${signal} to container ${name}`, async () => {
    try {
      await engine.docker.getContainer(name).kill({ signal });
      return true;
    } catch (error) {
      // Not running: 409 from Docker, 500 from Podman, 404 when it is gone.
      const status = dockerStatus(error);
      if (status === 404 || status === 409 || /not running/i.test(String(error))) return false;
      throw error;
    }
  });
}

/** Removes the container of a run, running or not, and its anonymous volumes; nothing when it is gone already. */
export async function removeRun(
  engine: Engine,
  name: string,
  options: { volumes: boolean } = { volumes: true },
): Promise<void> {
  await dockerCall(`remove container ${name}`, async () => {
    try {
      await engine.docker.getContainer(name).remove({ force: true, v: options.volumes });
    } catch (error) {
      // 409: another removal is under way.
      const status = dockerStatus(error);
      if (status !== 404 && status !== 409) throw error;
    }
  });
}

/** Removes a named volume; nothing when it is gone already. Throws when a container still uses it. */
export async function removeVolume(engine: Engine, name: string): Promise<void> {
  await ifPresent(`remove volume ${name}`, () => engine.docker.getVolume(name).remove());
}

/** Milliseconds that an engine may take to let go of a volume after its container was removed, and between two tries. */
const LETS_GO = 20_000;
const TRY_EVERY = 100;

/**
 * Removes a named volume whose container is gone, or is being removed by somebody else: until that removal is through the engine
 * says that the volume is in use. Throws `DockerUnavailable` when it says so for longer.
 */
export async function removeFreedVolume(engine: Engine, name: string): Promise<void> {
  for (const until = performance.now() + LETS_GO; ;) {
    try {
      await engine.docker.getVolume(name).remove();
      return;
    } catch (error) {
      const status = dockerStatus(error);
      if (status === 404) return;
      if (status !== 409) throw fromDockerError(error, `remove volume ${name}`);
      if (performance.now() > until)
        throw new CodedError(
          'DockerUnavailable',
          `can't remove volume ${name}: ${dockerMessage(error)}`,
          { cause: error },
        );
    }
    await delay(TRY_EVERY);
  }
}
