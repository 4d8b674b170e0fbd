/** A way to an engine that a test can hold or cut. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine } from '../../src/docker/engine.js';
import { startHeldWay, type HeldWay } from './held-way.js';

export interface HeldEngine extends HeldWay {
  /** For `DOCKER_HOST`. */
  readonly host: string;
}

/** Starts it in front of an engine with a unix socket. */
export async function startHeldEngine({ host }: Pick<Engine, 'host'>): Promise<HeldEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'held-engine-'));
  const own = join(folder, 'docker.sock');
  const way = await startHeldWay({ path: host.replace(/^unix:\/\//, '') }, { path: own });
  return {
    ...way,
    host: `unix://${own}`,
    async close() {
      await way.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
