/** What is in an image, of which nothing is started: it may be for another platform. */
import type { Engine } from '../../src/docker/engine.js';
import { readContainerFile } from '../../src/docker/read-files.js';

/** Files of an image; undefined what is not there. */
export async function imageFiles(
  engine: Engine,
  image: string,
  paths: readonly string[],
): Promise<(Buffer | undefined)[]> {
  const container = await engine.docker.createContainer({ Image: image, Cmd: ['/never-started'] });
  try {
    return await Promise.all(paths.map((path) => readContainerFile(engine, container.id, path)));
  } finally {
    await container.remove({ force: true, v: true });
  }
}

/** `e_machine` of an ELF file's header. */
const MACHINES: Readonly<Record<number, string>> = { 62: 'linux/amd64', 183: 'linux/arm64' };

/** The platform that a program is for; undefined for what is none. */
export function programPlatform(program: Buffer | undefined): string | undefined {
  if (program?.subarray(1, 4).toString() !== 'ELF') return undefined;
  return MACHINES[program.readUInt16LE(18)];
}
