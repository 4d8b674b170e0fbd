import { CodedError } from '../errors.js';
import type { SetupContext } from './context.js';

/** Processors that images are made for, by Docker's names. */
export const architectures = ['amd64', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];

/** The processor of a platform as images write it; undefined for one that no image is made for. */
export function architectureOf(platform: string): Architecture | undefined {
  return architectures.find((architecture) => platform === `linux/${architecture}`);
}

/** The processor of the engine's machine. Throws `SetupFailed` for one that no image is made for. */
export async function engineArchitecture(context: SetupContext): Promise<Architecture> {
  const { platform } = await context.engine();
  const architecture = architectureOf(platform);
  if (architecture !== undefined) return architecture;
  throw new CodedError(
    'SetupFailed',
    `the Docker engine runs ${platform}: images are made for linux/${architectures.join(' and linux/')}`,
  );
}

/** The processor of this machine, which programs are built for unless another one is named. */
export const hostArchitecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
