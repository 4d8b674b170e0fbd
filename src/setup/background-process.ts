import { spawn } from 'node:child_process';

/** A server that runs beside this process. */
export interface BackgroundProcess {
  /** Resolves when the process is gone, with how it ended and its last lines of output. */
  exited: Promise<string>;
  /** The last lines of its output so far. */
  lastLines(): string;
  /** Asks it to end (SIGTERM, after `graceMilliseconds` SIGKILL) and waits until it has. */
  stop(graceMilliseconds?: number): Promise<void>;
}

const keptCharacters = 4_000;

/**
 * Starts a server in a process group of its own, so that a Ctrl-C meant for us lets us stop it after our own last calls to it.
 * When this process exits by itself without stopping it, it is killed.
 */
export function startInBackground(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): BackgroundProcess {
  const child = spawn(command, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-keptCharacters);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const killAtExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => {
      resolve(`${signal === null ? `exit code ${code}` : signal}: ${output.trim()}`);
    });
  }).finally(() => process.removeListener('exit', killAtExit));
  return {
    exited,
    lastLines: () => output.trim(),
    async stop(graceMilliseconds = 5_000) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMilliseconds);
      await exited;
      clearTimeout(timer);
    },
  };
}
