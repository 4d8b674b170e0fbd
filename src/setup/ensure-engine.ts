import { spawn } from 'node:child_process';
import { existsSync, openSync, closeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CodedError } from '../errors.js';
import { canInstallPackages, installPackages } from './debian-packages.js';
import { connectEngine, type SetupEngine } from './engine-api.js';
import { withLock } from './lock.js';
import type { StepContext } from './steps.js';

const startLimitMilliseconds = 60_000;

/**
 * The Docker engine: the one that answers, else on Debian as root Debian's own, installed and started so that it outlives this process.
 * Throws `CodedError` `DockerUnavailable` with one line that says what to do elsewhere.
 */
export async function ensureEngine(
  cacheDirectory: string,
  step: StepContext,
): Promise<SetupEngine> {
  const found = await connectEngine();
  if (found !== undefined) {
    step.markCached();
    return found;
  }
  if (process.env['DOCKER_HOST'])
    throw new CodedError(
      'DockerUnavailable',
      `no Docker engine answers at DOCKER_HOST=${process.env['DOCKER_HOST']}: start it, or unset DOCKER_HOST`,
    );
  if (!canInstallPackages()) throw new CodedError('DockerUnavailable', whatToDo());
  return withLock(
    join(cacheDirectory, 'locks', 'engine.lock'),
    { signal: step.signal },
    async () => {
      const meanwhile = await connectEngine();
      if (meanwhile !== undefined) return meanwhile;
      if (!existsSync('/usr/sbin/dockerd') && !existsSync('/usr/bin/dockerd'))
        await installPackages(
          ['docker.io', 'iptables'],
          cacheDirectory,
          step.signal,
          step.progress,
        );
      return (await waitForEngine(3_000, step)) ?? (await startDaemon(cacheDirectory, step));
    },
  );
}

async function startDaemon(cacheDirectory: string, step: StepContext): Promise<SetupEngine> {
  const logs = join(cacheDirectory, 'logs');
  await mkdir(logs, { recursive: true });
  const logFile = join(logs, 'dockerd.log');
  step.progress(`starting dockerd, log in ${logFile}`);
  const log = openSync(logFile, 'a');
  const daemon = spawn('dockerd', [], { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  daemon.on('error', () => undefined);
  daemon.unref();
  const engine = await waitForEngine(startLimitMilliseconds, step);
  if (engine !== undefined) return engine;
  throw new CodedError(
    'DockerUnavailable',
    `dockerd did not come up within a minute; its log is ${logFile}`,
  );
}

async function waitForEngine(
  limitMilliseconds: number,
  step: StepContext,
): Promise<SetupEngine | undefined> {
  const until = performance.now() + limitMilliseconds;
  do {
    const engine = await connectEngine();
    if (engine !== undefined) return engine;
    await delay(200, undefined, { signal: step.signal });
  } while (performance.now() < until);
  return undefined;
}

function whatToDo(): string {
  switch (process.platform) {
    case 'linux':
      return 'no Docker engine answers: start it (sudo systemctl start docker), or install one (https://docs.docker.com/engine/install/), and make sure this user may use it';
    default:
      return 'no Docker engine answers: start Docker Desktop (or colima, OrbStack, …) and run this again';
  }
}
