import { registryImage, temporalServerImage, temporalUiImage } from './compose-images.js';
import { ensureBaseImage } from './base-image.js';
import { platformBaseImage } from './platform-base-image.js';
import type { SetupContext } from './context.js';
import { debianImage } from './debian-image.js';
import { entrypointExecutable, entrypointImage, entrypointImageName } from './entrypoint-image.js';
import { nodeForArm64 } from './node.js';
import { opentofuExecutable, opentofuPart } from './opentofu.js';
import { postgresImage, type PostgresImage } from './postgres-image.js';
import { providerMirror, type ProviderMirror } from './provider-mirror.js';
import { pulumiPrograms, type PulumiPrograms } from './pulumi.js';
import { registryProgram, type RegistryProgram } from './registry-program.js';
import { temporalExecutable } from './temporal-executable.js';
import {
  browserExecutable,
  composeExecutable,
  postgresPrograms,
  s3ServerExecutable,
} from './test-tools.js';

/** What each part of a local system gives when it is ready. */
export interface PartResults {
  /** Version of the Docker engine that answers. */
  engine: string;
  /** Path of Temporal's command. */
  temporal: string;
  /** Reference of the scratch image with `/cldctl-entrypoint`. */
  entrypoint: string;
  /** Reference of the scratch image for a processor, which may be another one than the engine's. */
  'entrypoint-image-amd64': string;
  'entrypoint-image-arm64': string;
  /** Reference of the OpenTofu base image. */
  opentofu: string;
  /** Reference of the OpenTofu base image for a processor, which may be another one than the engine's. */
  'opentofu-amd64': string;
  'opentofu-arm64': string;
  'pulumi-nodejs': string;
  'pulumi-python': string;
  'pulumi-go': string;
  'pulumi-yaml': string;
  /** Reference of the Debian part that base images start from. */
  'debian-part': string;
  /** Reference of an image with `/usr/local/bin/tofu`. */
  'opentofu-part': string;
  registry: RegistryProgram;
  'postgres-image': PostgresImage;
  'provider-docker': ProviderMirror;
  'provider-local': ProviderMirror;
  'provider-time': ProviderMirror;
  /** Path of a bare `tofu` for comparisons. */
  tofu: string;
  /** A bare `pulumi` and its language hosts. */
  pulumi: PulumiPrograms;
  /** Path of an S3 server over a directory: `versitygw --port :PORT posix DIRECTORY`. */
  versitygw: string;
  /** Path of Compose v2. */
  compose: string;
  /** References of images for `docker-compose.yml`. */
  'temporal-image': string;
  'temporal-ui-image': string;
  'registry-image': string;
  /** Path of Chromium. */
  browser: string;
  /** Directory of PostgreSQL's programs. */
  postgresql: string;
  /** Path of the entrypoint's executable for Linux on arm64. */
  'entrypoint-arm64': string;
  /** Path of Node for Linux on arm64. */
  'node-arm64': string;
}

/** Names of the parts that can be asked for. */
export type Part = keyof PartResults;

/** How each part is prepared. */
export const partMakers: { [P in Part]: (context: SetupContext) => Promise<PartResults[P]> } = {
  engine: async (context) => (await context.engine()).version,
  temporal: temporalExecutable,
  entrypoint: entrypointImage,
  'entrypoint-image-amd64': (context) => entrypointImage(context, 'amd64'),
  'entrypoint-image-arm64': (context) => entrypointImage(context, 'arm64'),
  opentofu: (context) => ensureBaseImage(context, 'opentofu'),
  'opentofu-amd64': (context) => platformBaseImage(context, 'amd64'),
  'opentofu-arm64': (context) => platformBaseImage(context, 'arm64'),
  'pulumi-nodejs': (context) => ensureBaseImage(context, 'pulumi', 'nodejs'),
  'pulumi-python': (context) => ensureBaseImage(context, 'pulumi', 'python'),
  'pulumi-go': (context) => ensureBaseImage(context, 'pulumi', 'go'),
  'pulumi-yaml': (context) => ensureBaseImage(context, 'pulumi', 'yaml'),
  'debian-part': debianImage,
  'opentofu-part': opentofuPart,
  registry: registryProgram,
  'postgres-image': postgresImage,
  'provider-docker': (context) => providerMirror(context, 'docker'),
  'provider-local': (context) => providerMirror(context, 'local'),
  'provider-time': (context) => providerMirror(context, 'time'),
  tofu: opentofuExecutable,
  pulumi: pulumiPrograms,
  versitygw: s3ServerExecutable,
  compose: composeExecutable,
  'temporal-image': temporalServerImage,
  'temporal-ui-image': temporalUiImage,
  'registry-image': registryImage,
  browser: browserExecutable,
  postgresql: postgresPrograms,
  'entrypoint-arm64': (context) => entrypointExecutable(context, 'arm64'),
  'node-arm64': nodeForArm64,
};

/** The part behind a name that people write into a Dockerfile: `cldctl-entrypoint`, `cldctl-iac/opentofu`, `cldctl-iac/pulumi-…`. */
export function partOfImage(name: string): Part | undefined {
  const bare = name.replace(/:latest$/, '');
  if (bare === entrypointImageName) return 'entrypoint';
  const part = /^cldctl-iac\/(opentofu|pulumi-(?:nodejs|python|go|yaml))$/.exec(bare)?.[1];
  return part as Part | undefined;
}

/** Sets of parts by the name that the set-up command takes for them. */
export const partGroups: Readonly<Record<string, readonly Part[]>> = {
  demo: ['engine', 'temporal', 'opentofu', 'registry', 'postgres-image', 'provider-docker'],
  bench: ['engine', 'temporal', 'opentofu'],
  tests: [
    ...['engine', 'temporal', 'entrypoint', 'opentofu', 'registry', 'postgres-image'],
    ...['provider-docker', 'tofu', 'opentofu-amd64', 'opentofu-arm64'],
  ] as Part[],
};
