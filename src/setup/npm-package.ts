import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './run-command.js';

/** Unpacks a package of the npm registry into `directory`, which must be empty. npm checks its integrity against the registry's. */
export async function fetchNpmPackage(
  specifier: string,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const packed = join(directory, 'packed');
  await mkdir(packed);
  const printed = await runCommand(
    'npm',
    ['pack', '--silent', '--pack-destination', packed, specifier],
    { signal },
  );
  const file = printed.trim().split('\n').at(-1) ?? '';
  await runCommand('tar', ['-xzf', join(packed, file), '-C', directory, '--no-same-owner'], {
    signal,
  });
  for (const name of await readdir(join(directory, 'package')))
    await rename(join(directory, 'package', name), join(directory, name));
  await rm(join(directory, 'package'), { recursive: true });
  await rm(packed, { recursive: true });
}
