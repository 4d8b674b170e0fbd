import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { FailureError } from '../../failure-error.js';
import type { PrepareContext } from '../tool.js';
import { buildTofu } from './build-tofu.js';
import { LOCK_FILE } from './module-files.js';
import { downloadPackage, findPackage, lockEntry } from './network-packages.js';
import { keepProviders } from './prepare-providers.js';
import { REQUIREMENTS_FILE } from './prepare-requirements.js';
import { PROVIDERS_DIRECTORY, PROVIDERS_LOCK } from './prepared.js';
import { isNetworkMirror, providerEnvironment } from './provider-source.js';

/**
 * Turns a baked module into that of another platform (`linux_arm64`): the same versions of its providers as packages of that platform,
 * their checksums in the lock file. `tofu init` installs for its own platform only, and runs nothing of what it installs: it is shown the
 * other platform's packages under its own platform's name, and so selects, unpacks and verifies them as it would there.
 */
export async function preparePlatform(context: PrepareContext): Promise<void> {
  const [platform, requirements, mirror] = context.arguments;
  if (platform === undefined || requirements === undefined)
    throw new FailureError('InvalidInput', 'prepare platform PLATFORM DIR: an argument is missing');
  const { moduleDirectory: module, locations, environment } = context;
  const providers = join(locations.prepared, PROVIDERS_DIRECTORY);
  const installed = existsSync(providers) ? installedProviders(providers) : [];
  if (installed.length === 0) return;
  const work = mkdtempSync(join(tmpdir(), 'platform-'));
  try {
    for (const name of [REQUIREMENTS_FILE, LOCK_FILE])
      if (existsSync(join(requirements, name)))
        copyFileSync(join(requirements, name), join(work, name));
    const network = isNetworkMirror(mirror);
    const packages = mirror === undefined || network ? join(work, 'packages') : mirror;
    if (mirror === undefined)
      buildTofu(['providers', 'mirror', `-platform=${platform}`, packages], {
        cwd: module,
        environment,
      });
    if (network)
      for (const provider of installed)
        await download(provider, platform, { mirror, packages, lock: join(work, LOCK_FILE) });
    const shown = join(work, 'shown');
    for (const provider of installed) showAs(provider, platform, packages, shown);
    buildTofu(['init', '-input=false', '-no-color', '-backend=false'], {
      cwd: work,
      environment: providerEnvironment(environment, shown),
    });
    const selected = join(work, '.terraform', 'providers');
    for (const { address, version, own } of installed)
      renameSync(join(selected, address, version, own), join(selected, address, version, platform));
    rmSync(providers, { recursive: true });
    keepProviders(work, context);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const links = join(module, '.terraform', 'providers');
  rmSync(links, { recursive: true, force: true });
  for (const { address, version } of installed) {
    const place = join(address, version, platform);
    mkdirSync(dirname(join(links, place)), { recursive: true });
    symlinkSync(join(providers, place), join(links, place));
  }
  copyFileSync(join(locations.prepared, PROVIDERS_LOCK), join(module, LOCK_FILE));
}

interface InstalledProvider {
  /** `HOST/NAMESPACE/TYPE`. */
  readonly address: string;
  readonly version: string;
  /** The platform that it is installed for: that of the running tool. */
  readonly own: string;
}

/** What a directory in unpacked mirror layout holds. */
function installedProviders(directory: string): InstalledProvider[] {
  return (
    readdirSync(directory, { recursive: true, encoding: 'utf8' })
      // tofu leaves a lock file beside each.
      .filter(
        (path) => path.split('/').length === 5 && statSync(join(directory, path)).isDirectory(),
      )
      .map((path) => path.split('/'))
      .map(([host, namespace, type, version = '', own = '']) => ({
        address: `${host}/${namespace}/${type}`,
        version,
        own,
      }))
  );
}

const packedPlace = ({ address, version }: InstalledProvider, platform: string): string =>
  join(address, `terraform-provider-${address.split('/')[2]}_${version}_${platform}.zip`);

/**
 * Downloads a provider's package, where the network mirror has it. The tool checks it when it installs it: by the module's lock file, or
 * else by what the mirror says of it.
 */
async function download(
  provider: InstalledProvider,
  platform: string,
  { mirror, packages, lock }: { mirror: string; packages: string; lock: string },
): Promise<void> {
  const found = await findPackage(mirror, provider, platform);
  if (found === undefined) return;
  await downloadPackage(found, join(packages, packedPlace(provider, platform)));
  const locked = existsSync(lock) && readFileSync(lock, 'utf8').includes(`"${provider.address}"`);
  if (!locked && found.hashes.length > 0) appendFileSync(lock, lockEntry(provider, found.hashes));
}

/** Puts a provider's package for `platform`, unpacked or packed, into a mirror of its own as one for the running tool's platform. */
function showAs(
  provider: InstalledProvider,
  platform: string,
  packages: string,
  shown: string,
): void {
  const { address, version, own } = provider;
  const packed = (name: string): string => packedPlace(provider, name);
  const unpacked = (name: string): string => join(address, version, name);
  const form = [unpacked, packed].find((place) => existsSync(join(packages, place(platform))));
  if (form === undefined)
    throw new FailureError(
      'InvalidModule',
      `provider ${address} ${version} is not in the mirror for ${platform}: add it, or build for the other platforms only`,
    );
  mkdirSync(dirname(join(shown, form(own))), { recursive: true });
  symlinkSync(join(packages, form(platform)), join(shown, form(own)));
}
