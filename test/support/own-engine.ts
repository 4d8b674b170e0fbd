/** A Docker engine of a test's own, to be stopped, killed and started again; needs root on Linux, as an engine does. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { connectEngine, type Engine } from '../../src/docker/engine.js';

export interface OwnEngine {
  /** For `DOCKER_HOST`. */
  readonly host: string;
  /** The engine as it is reached; good again after `start`. */
  readonly engine: Engine;
  /** Takes an image over from another engine. */
  take(from: Engine, image: string): Promise<void>;
  /** Ends it as a shutdown of the machine does: containers are stopped with it. */
  stop(): Promise<void>;
  /** Ends it as a crash does; what it ran goes on for a while without it. */
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Starts it with data, sockets, containerd and network of its own; its containers reach nobody. */
export async function startOwnEngine(): Promise<OwnEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'engine-'));
  const host = `unix://${join(folder, 'docker.sock')}`;
  const log = join(folder, 'log');
  let daemon: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const output = openSync(log, 'a');
    const started = spawn(
      'dockerd',
      [
        ...[
          '--host',
          host,
          '--data-root',
          join(folder, 'data'),
          '--exec-root',
          join(folder, 'run'),
        ],
        ...['--pidfile', join(folder, 'pid'), '--iptables=false'],
        ...['--config-file', ownIdentity(folder)],
      ],
      { stdio: ['ignore', output, output] },
    );
    closeSync(output);
    daemon = started;
    for (;;) {
      if (started.exitCode !== null || started.signalCode !== null)
        throw new Error(`dockerd ended:\n${readFileSync(log, 'utf8').slice(-3000)}`);
      if (await connectEngine({ environment: { DOCKER_HOST: host } }).catch(() => undefined))
        return;
      await delay(100);
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = daemon;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = once(ending, 'exit');
    ending.kill(signal);
    await exited;
  };
  await start();
  const engine = await connectEngine({ environment: { DOCKER_HOST: host } });
  return {
    host,
    engine,
    start,
    stop: () => end('SIGTERM'),
    async kill() {
      const containerd = join(folder, 'run/containerd');
      const pid = Number(readFileSync(join(containerd, 'containerd.pid'), 'utf8'));
      await end('SIGKILL');
      if (isAlive(pid)) process.kill(pid, 'SIGKILL');
      while (isAlive(pid)) await delay(20);
      // As after a crash of the machine, whose next dockerd finds nothing in /run.
      for (const name of ['containerd.pid', 'containerd.sock', 'containerd.sock.ttrpc'])
        await rm(join(containerd, name), { force: true });
    },
    async take(from, image) {
      const archive = (await from.docker.getImage(image).get()) as Readable;
      const answer = (await engine.docker.loadImage(archive as never)) as Readable;
      answer.resume();
      await once(answer, 'end');
    },
    async close() {
      for (const { Id } of await engine.docker.listContainers({ all: true }))
        await engine.docker.getContainer(Id).remove({ force: true, v: true });
      await end('SIGTERM');
      // The engine mounts its data on itself.
      spawnSync('umount', ['--recursive', join(folder, 'data')]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Engines before 23.0 take their id from a key that all of a machine share, unless a configuration file names another. */
function ownIdentity(folder: string): string {
  const version = /version (\d+)\./.exec(execFileSync('dockerd', ['--version']).toString())?.[1];
  const file = join(folder, 'daemon.json');
  const key = { 'deprecated-key-path': join(folder, 'key.json') };
  writeFileSync(file, JSON.stringify(Number(version) < 23 ? key : {}));
  return file;
}
