import { basename, dirname } from 'node:path';
import type { BaseRuntime } from './base-images.js';
import { contextTree, type ContextFile } from './build-context.js';
import type { SetupContext } from './context.js';
import { goBuild, type GoTool } from './go-build.js';
import { goToolchainPart } from './go-toolchain.js';
import { pulledImage } from './image-step.js';
import { nodePart } from './node.js';
import { partImage } from './part-image.js';
import { versions } from './versions.js';

const command: GoTool = {
  name: 'pulumi',
  version: versions.pulumi,
  package: 'github.com/pulumi/pulumi/pkg/v3/cmd/pulumi',
  flags: [
    '-tags=osusergo,grpcnotrace',
    // Without a version in it the command takes itself for a development build.
    `-ldflags=-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${versions.pulumi}`,
  ],
};

const sdk = 'github.com/pulumi/pulumi/sdk/v3';

/** The newest language hosts whose sources the Go module proxy serves; they run programs of the current SDKs. */
const hosts: Record<BaseRuntime, GoTool> = {
  nodejs: {
    name: 'pulumi-language-nodejs',
    version: '3.68.0',
    package: `${sdk}/nodejs/cmd/pulumi-language-nodejs`,
    scripts: { module: sdk, paths: ['nodejs/dist/pulumi-resource-pulumi-nodejs'] },
  },
  python: {
    name: 'pulumi-language-python',
    version: '3.68.0',
    package: `${sdk}/python/cmd/pulumi-language-python`,
    scripts: {
      module: sdk,
      paths: [
        'python/cmd/pulumi-language-python-exec',
        'python/dist/pulumi-resource-pulumi-python',
      ],
    },
  },
  go: {
    name: 'pulumi-language-go',
    version: '3.50.0',
    package: `${sdk}/go/pulumi-language-go`,
  },
  yaml: {
    name: 'pulumi-language-yaml',
    version: '1.38.1',
    package: 'github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml',
  },
};

/** The build arguments that name the parts of a Pulumi base image. */
export async function pulumiParts(
  context: SetupContext,
  runtime: BaseRuntime,
): Promise<Record<string, string>> {
  const pulumi = pulumiPart(context, runtime);
  switch (runtime) {
    case 'nodejs': {
      const [PULUMI, NODE] = await Promise.all([pulumi, nodePart(context)]);
      return { PULUMI, NODE };
    }
    case 'go': {
      const [PULUMI, GO] = await Promise.all([pulumi, goToolchainPart(context)]);
      return { PULUMI, GO };
    }
    case 'python':
    case 'yaml':
      return { PULUMI: await pulumi };
  }
}

/** An image with the command and one runtime's language host in `/pulumi/bin`. */
async function pulumiPart(context: SetupContext, runtime: BaseRuntime): Promise<string> {
  if ((await context.route()) === 'public') return pulledImage(context, context.images.pulumi);
  const host = hosts[runtime];
  return partImage(context, {
    folder: 'pulumi-part',
    name: `pulumi-${runtime}-part`,
    version: versions.pulumi,
    recipe: JSON.stringify([command, host]),
    async files() {
      const [pulumi, languageHost] = await Promise.all([
        goBuild(context, command),
        goBuild(context, host),
      ]);
      const executable: ContextFile = {
        name: `bin/${basename(pulumi)}`,
        source: pulumi,
        executable: true,
      };
      return [executable, ...(await contextTree('bin', dirname(languageHost)))];
    },
  });
}

/** Bare `pulumi` on this (Linux) machine. */
export interface PulumiPrograms {
  executable: string;
  /** Directories of the language hosts, to be put on the PATH. */
  languageHosts: string[];
}

/** The command and all language hosts, built from source on either route; tests compare with the bare tool. */
export async function pulumiPrograms(context: SetupContext): Promise<PulumiPrograms> {
  const [executable, ...built] = await Promise.all([
    goBuild(context, command),
    ...Object.values(hosts).map((host) => goBuild(context, host)),
  ]);
  return { executable, languageHosts: built.map((path) => dirname(path)) };
}
