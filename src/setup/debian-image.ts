import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../errors.js';
import type { SetupContext } from './context.js';
import { canInstallPackages, installPackages } from './debian-packages.js';
import { ensureImage, pulledImage } from './image-step.js';
import { runCommand } from './run-command.js';
import type { StepContext } from './steps.js';
import { versions } from './versions.js';

const suite = versions.debianSuite;
const packageSources = [
  `deb http://deb.debian.org/debian ${suite} main`,
  `deb http://deb.debian.org/debian ${suite}-updates main`,
  `deb http://deb.debian.org/debian-security ${suite}-security main`,
  '',
].join('\n');

/** What a rootfs carries only for people at a terminal. Copyright files stay. */
const removed = [
  'var/cache/apt/archives',
  'var/cache/apt/pkgcache.bin',
  'var/cache/apt/srcpkgcache.bin',
  'var/lib/apt/lists',
  'var/log',
  'usr/share/doc/*/changelog*',
  'usr/share/info',
  'usr/share/man',
  'usr/share/locale',
];
/** debootstrap leaves this machine's name and resolver in the root file system. */
const emptied = ['etc/hostname', 'etc/resolv.conf'];
/** Shell commands that are run in a root file system when it is complete. */
export const cleaning = [
  `rm -rf ${removed.join(' ')}`,
  'mkdir -p var/cache/apt/archives/partial var/lib/apt/lists/partial var/log',
  ...emptied.map((file) => `: > ${file}`),
].join(' && ');

/** The Debian part that base images start from: the public image, or a minimal root file system made with debootstrap. */
export async function debianImage(context: SetupContext): Promise<string> {
  if ((await context.route()) === 'public') return pulledImage(context, context.images.debian);
  const recipe = createHash('sha256').update(
    JSON.stringify({ packageSources, cleaning, updated: true }),
  );
  const reference = `cldctl-iac/debian-part:${suite}-${recipe.digest('hex').slice(0, 12)}`;
  return ensureImage(context, {
    step: `make a Debian ${suite} root file system`,
    reference,
    make: async (engine, step) => {
      await ensureDebootstrap(context, step);
      const directory = join(context.cacheDirectory, 'drafts', 'debian-part');
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { recursive: true });
      try {
        await context.steps.heavy(() => bootstrap(context, directory, step));
        const pack = spawn('tar', ['-C', directory, '--numeric-owner', '--sort=name', '-c', '.'], {
          stdio: ['ignore', 'pipe', 'ignore'],
        });
        const ended = once(pack, 'close') as Promise<[number | null]>;
        step.progress('importing');
        await engine.importRootFilesystem(pack.stdout, reference);
        const [code] = await ended;
        if (code !== 0) throw new CodedError('SetupFailed', `tar exited with ${code}`);
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
  });
}

/** Installs debootstrap where that is possible. Throws `SetupFailed` with what to do elsewhere. */
export async function ensureDebootstrap(context: SetupContext, step: StepContext): Promise<void> {
  if (existsSync('/usr/sbin/debootstrap') && process.getuid?.() === 0) return;
  if (!canInstallPackages())
    throw new CodedError(
      'SetupFailed',
      `no registry with ${context.images.debian} is in reach, and making a Debian root file system needs Debian and root: set CLDCTL_DEBIAN_IMAGE to a mirror that this machine reaches`,
    );
  await installPackages(['debootstrap'], context.cacheDirectory, step.signal, step.progress);
}

/** Runs debootstrap into a directory; what it downloads is kept in a folder of the cache, which no other one may use meanwhile. */
export async function debootstrap(
  context: SetupContext,
  root: { directory: string; packages: string; options?: readonly string[] },
  step: StepContext,
): Promise<void> {
  const packages = join(context.cacheDirectory, root.packages);
  await mkdir(packages, { recursive: true });
  // A mount namespace of its own: what debootstrap mounts is gone with it, whatever ends it.
  await runCommand(
    'unshare',
    [
      '--mount',
      'debootstrap',
      ...(root.options ?? []),
      '--variant=minbase',
      `--cache-dir=${packages}`,
      suite,
      root.directory,
      'http://deb.debian.org/debian',
    ],
    { signal: step.signal, onLine: (line) => step.progress(line.replace(/^I: /, '')) },
  );
}

async function bootstrap(
  context: SetupContext,
  directory: string,
  step: StepContext,
): Promise<void> {
  await debootstrap(context, { directory, packages: 'debian-packages' }, step);
  await writeFile(join(directory, 'etc/apt/sources.list'), packageSources);
  step.progress('security updates');
  const update = 'apt-get update -q && apt-get upgrade -y -q && apt-get clean';
  await runCommand('unshare', ['--mount', 'chroot', directory, 'sh', '-c', update], {
    signal: step.signal,
    onLine: step.progress,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive' },
  });
  await runCommand('sh', ['-c', cleaning], { cwd: directory, signal: step.signal });
}
