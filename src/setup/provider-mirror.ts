import { chmod, cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cached } from './cache.js';
import type { SetupContext } from './context.js';
import { goBuild, type GoTool } from './go-build.js';
import { versions } from './versions.js';

/** OpenTofu providers that can be had without their registry. */
export type MirroredProvider = 'docker' | 'local' | 'time';

/** A directory in OpenTofu's filesystem-mirror layout that holds one provider. */
export interface ProviderMirror {
  /** To be used as `provider_installation { filesystem_mirror { path = … } }`. `undefined`: the provider's registry is in reach. */
  directory: string | undefined;
  /** Source address as a module's `required_providers` names it. */
  source: string;
  version: string;
}

interface MirrorRecipe extends GoTool {
  source: string;
}

const recipes: Record<MirroredProvider, MirrorRecipe> = {
  docker: {
    name: 'provider-docker',
    source: 'kreuzwerker/docker',
    version: versions.providerDocker,
    // A fork keeps the module path of its origin: toolchain/provider-docker/go.mod replaces it.
    package: 'github.com/terraform-providers/terraform-provider-docker',
    flags: [`-ldflags=-s -w -X main.version=${versions.providerDocker}`],
  },
  local: {
    name: 'provider-local',
    source: 'hashicorp/local',
    version: versions.providerLocal,
    package: 'github.com/terraform-providers/terraform-provider-local',
  },
  time: {
    name: 'provider-time',
    source: 'hashicorp/time',
    version: versions.providerTime,
    package: 'github.com/hashicorp/terraform-provider-time',
  },
};

/** A provider as a filesystem mirror, built from source; nothing to do on the public route, where `tofu init` reaches the registry. */
export async function providerMirror(
  context: SetupContext,
  provider: MirroredProvider,
): Promise<ProviderMirror> {
  const { source, ...tool } = recipes[provider];
  const { version } = tool;
  if ((await context.route()) === 'public') return { directory: undefined, source, version };
  const executable = await goBuild(context, tool);
  return context.steps.step(`lay out a mirror for provider ${source} ${version}`, async (step) => {
    const key = { name: `mirror-${provider}`, version, recipe: executable };
    const entry = await cached(
      context.cacheDirectory,
      key,
      { signal: step.signal },
      async (directory) => {
        const platform = `linux_${process.arch === 'x64' ? 'amd64' : 'arm64'}`;
        const type = source.split('/')[1] ?? source;
        const file = join(
          directory,
          'registry.opentofu.org',
          source,
          version,
          platform,
          `terraform-provider-${type}_v${version}`,
        );
        await mkdir(dirname(file), { recursive: true });
        await cp(executable, file);
        await chmod(file, 0o755);
      },
    );
    if (entry.cached) step.markCached();
    return { directory: entry.path, source, version };
  });
}
