import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../../src/config.js';
import { hostArchitecture } from '../../src/setup/architecture.js';
import { cached } from '../../src/setup/cache.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { runCommand } from '../../src/setup/run-command.js';

const VERSION = '1.0.0';

/**
 * Directory in filesystem-mirror layout with the provider `cldctl/outside`, for `CLDCTL_PROVIDER_MIRROR`; needs Go. With an architecture
 * it is for that one only, else for this machine's.
 */
export function outsideProviderMirror(architecture = hostArchitecture): Promise<string> {
  return built(
    'terraform-provider-outside',
    (directory) =>
      join(
        directory,
        'registry.opentofu.org/cldctl/outside',
        VERSION,
        `linux_${architecture}`,
        `terraform-provider-outside_v${VERSION}`,
      ),
    architecture,
  );
}

/** Directory with the executable `pulumi-resource-outside`; needs Go. */
export function outsidePulumiPlugin(): Promise<string> {
  return built('pulumi-resource-outside', (directory) =>
    join(directory, 'pulumi-resource-outside'),
  );
}

/** Path of the program that takes a tool's place and tells the outside world of its signals; needs Go. */
export async function interruptCounter(): Promise<string> {
  const directory = await built('interrupt-counter', (folder) => join(folder, 'interrupt-counter'));
  return join(directory, 'interrupt-counter');
}

/** A CLI configuration file for the bare tool that installs from this mirror and from nowhere else. */
export async function mirrorConfiguration(mirror: string, directory: string): Promise<string> {
  const path = join(directory, 'tofurc');
  await writeFile(
    path,
    `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(mirror)}\n  }\n}\n`,
  );
  return path;
}

async function built(
  program: string,
  place: (directory: string) => string,
  architecture = hostArchitecture,
): Promise<string> {
  const sources = join(packageRoot(), 'test', 'provider');
  const recipe = createHash('sha256').update(architecture);
  for (const folder of ['.', 'world', program])
    for (const file of (await readdir(join(sources, folder))).sort())
      if (/\.(go|json)$|^go\./.test(file))
        recipe.update(file).update(await readFile(join(sources, folder, file)));
  const key = { name: program, version: VERSION, recipe: recipe.digest('hex') };
  const { path } = await cached(loadConfig(process.env).cacheDir, key, {}, async (directory) => {
    const executable = place(directory);
    await mkdir(join(executable, '..'), { recursive: true });
    await runCommand(
      'go',
      ['build', '-trimpath', '-ldflags=-s -w', '-o', executable, `./${program}`],
      {
        cwd: sources,
        env: {
          ...process.env,
          CGO_ENABLED: '0',
          GOOS: 'linux',
          GOARCH: architecture,
          GOTOOLCHAIN: 'local',
          GOFLAGS: '-mod=readonly -buildvcs=false',
          GOWORK: 'off',
        },
      },
    );
  });
  return path;
}
