import { existsSync, readFileSync } from 'node:fs';
import { CodedError } from '../errors.js';
import { withLock } from './lock.js';
import { runCommand } from './run-command.js';

/** Whether Debian packages can be installed here: a Debian system and the super-user. */
export function canInstallPackages(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/etc/os-release')) return false;
  return /^(ID|ID_LIKE)=.*debian/m.test(readFileSync('/etc/os-release', 'utf8'));
}

/**
 * Installs Debian packages with apt-get. Throws `CodedError` `SetupFailed` naming the command to type where this process may not.
 */
export async function installPackages(
  names: readonly string[],
  cacheDirectory: string,
  signal: AbortSignal,
  progress: (line: string) => void,
): Promise<void> {
  const command = `apt-get install -y --no-install-recommends ${names.join(' ')}`;
  if (!canInstallPackages())
    throw new CodedError(
      'SetupFailed',
      `missing on this machine: ${names.join(', ')}; on Debian: sudo ${command}`,
    );
  await withLock(`${cacheDirectory}/locks/apt.lock`, { signal }, async () => {
    const options = {
      signal,
      onLine: progress,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    };
    // Another apt-get of the machine may be at work: wait for it instead of failing.
    const wait = ['-o', 'DPkg::Lock::Timeout=300'];
    await runCommand('apt-get', [...wait, 'update', '-q'], options);
    await runCommand(
      'apt-get',
      [...wait, 'install', '-y', '-q', '--no-install-recommends', ...names],
      options,
    );
  });
}
