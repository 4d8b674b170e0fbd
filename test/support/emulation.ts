/** Programs of another processor on this machine's engine, for tests of what is built for it. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { loadConfig } from '../../src/config.js';
import type { Engine } from '../../src/docker/engine.js';
import { asCodedError } from '../../src/errors.js';
import type { Architecture } from '../../src/setup/architecture.js';
import { canInstallPackages, installPackages } from '../../src/setup/debian-packages.js';

/** Formats of Debian's package: which file of it tells the kernel how programs of a processor are run. */
const FORMATS: Readonly<Record<Architecture, string>> = {
  amd64: '/usr/lib/binfmt.d/qemu-x86_64.conf',
  arm64: '/usr/lib/binfmt.d/qemu-aarch64.conf',
};
const REGISTER = '/proc/sys/fs/binfmt_misc/register';

/**
 * Lets the engine run images of another processor. An engine that does already is left as it is; else, as root on Debian, the emulator is
 * installed and the kernel of this machine told of it, until it starts anew. Returns why it can't be done, undefined when it can.
 */
export async function ensureEmulation(
  engine: Engine,
  architecture: Architecture,
  image: string,
): Promise<string | undefined> {
  const refusal = await tryProgram(engine, image);
  if (refusal === undefined) return undefined;
  const doing = `the engine runs no programs of ${architecture} (${refusal})`;
  if (!canInstallPackages()) return `${doing}; install an emulator for them (binfmt_misc)`;
  if (!existsSync(REGISTER)) return `${doing}, and binfmt_misc is not mounted on this machine`;
  try {
    const format = FORMATS[architecture];
    if (!existsSync(format))
      await installPackages(
        ['qemu-user-static'],
        loadConfig(process.env).cacheDir,
        new AbortController().signal,
        () => undefined,
      );
    await writeFile(REGISTER, await readFile(format));
  } catch (error) {
    return `${doing}, and it can't be changed: ${asCodedError(error).message}`;
  }
  const still = await tryProgram(engine, image);
  return still === undefined ? undefined : `${doing}, nor with an emulator on this machine`;
}

/** Runs a program of an image; why it did not start, if so. */
async function tryProgram(engine: Engine, image: string): Promise<string | undefined> {
  const container = await engine.docker.createContainer({
    Image: image,
    Entrypoint: ['/bin/true'],
    HostConfig: { NetworkMode: 'none' },
  });
  try {
    await container.start();
    const { StatusCode: code } = (await container.wait()) as { StatusCode: number };
    if (code === 0) return undefined;
    const text = String(await container.logs({ stdout: true, stderr: true }));
    return /exec[^\n]*format error/.exec(text)?.[0] ?? `exit code ${code}`;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await container.remove({ force: true, v: true });
  }
}
