import { spawn } from 'node:child_process';
import { existsSync, openSync, closeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CodedError } from '../errors.js';
import { canInstallPackages, installPackages } from './debian-packages.js';
import { connectSetupEngine, type SetupEngine } from './engine-api.js';
import { withLock } from './lock.js';
import type { StepContext } from './steps.js';

type Environment = Readonly<Record<string, string | undefined>>;
type Connect = () => Promise<SetupEngine>;

const startLimitMilliseconds = 60_000;

/**
 * The Docker engine: the one that answers, else on Debian as root Debian's own, installed and started so that it outlives this process.
 * Throws `CodedError` `DockerUnavailable` with one line that says what to do elsewhere.
 */
export async function ensureEngine(
  cacheDirectory: string,
  environment: Environment,
  step: StepContext,
): Promise<SetupEngine> {
  const connect = (): Promise<SetupEngine> => connectSetupEngine(environment);
  let refusal: unknown;
  try {
    const found = await connect();
    step.markCached();
    return found;
  } catch (error) {
    refusal = error;
  }
  // An engine that was named, or that refuses this user, is not replaced by another one.
  const named = environment['DOCKER_HOST'] ?? environment['DOCKER_CONTEXT'];
  if (named || !canInstallPackages()) throw withAdvice(refusal);
  return withLock(
    join(cacheDirectory, 'locks', 'engine.lock'),
    { signal: step.signal },
    async () => {
      if (!existsSync('/usr/sbin/dockerd') && !existsSync('/usr/bin/dockerd'))
        await installPackages(
          ['docker.io', 'iptables'],
          cacheDirectory,
          step.signal,
          step.progress,
        );
      return (
        (await waitForEngine(connect, 3_000, step)) ??
        (await startDaemon(connect, cacheDirectory, step))
      );
    },
  );
}

async function startDaemon(
  connect: Connect,
  cacheDirectory: string,
  step: StepContext,
): Promise<SetupEngine> {
  const logs = join(cacheDirectory, 'logs');
  await mkdir(logs, { recursive: true });
  const logFile = join(logs, 'dockerd.log');
  step.progress(`starting dockerd, log in ${logFile}`);
  const log = openSync(logFile, 'a');
  const daemon = spawn('dockerd', [], { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  daemon.on('error', () => undefined);
  daemon.unref();
  const engine = await waitForEngine(connect, startLimitMilliseconds, step);
  if (engine !== undefined) return engine;
  throw new CodedError(
    'DockerUnavailable',
    `dockerd did not come up within a minute; its log is ${logFile}`,
  );
}

async function waitForEngine(
  connect: Connect,
  limitMilliseconds: number,
  step: StepContext,
): Promise<SetupEngine | undefined> {
  const until = performance.now() + limitMilliseconds;
  do {
    try {
      return await connect();
    } catch (error) {
      if (!(error instanceof CodedError && error.code === 'DockerUnavailable')) throw error;
    }
    await delay(200, undefined, { signal: step.signal });
  } while (performance.now() < until);
  return undefined;
}

function withAdvice(refusal: unknown): unknown {
  if (!(refusal instanceof CodedError) || process.platform === 'linux') return refusal;
  const advice = 'start Docker Desktop (or colima, OrbStack, …) and run this again';
  return new CodedError(refusal.code, `${refusal.message}; ${advice}`, { cause: refusal });
}
