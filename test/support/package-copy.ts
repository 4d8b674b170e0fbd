/** A copy of this package's recipes whose images get references of their own, so that a test really builds them. */
import { appendFile, cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/setup/package-root.js';
import { uniqueName } from './test-engine.js';

export interface PackageCopy {
  readonly root: string;
  remove(): Promise<void>;
}

/** Copies what a set-up reads, with a label of its own in the recipe of the OpenTofu base image. */
export async function copyPackage(): Promise<PackageCopy> {
  const root = await mkdtemp(join(tmpdir(), 'package-'));
  for (const name of ['package.json', 'images', 'toolchain', 'entrypoint', 'src/contract'])
    await cp(join(packageRoot(), name), join(root, name), { recursive: true });
  await symlink(join(packageRoot(), 'node_modules'), join(root, 'node_modules'));
  await appendFile(
    join(root, 'images', 'opentofu', 'Dockerfile'),
    `\nLABEL dev.cldctl.test="${uniqueName('base')}"\n`,
  );
  return { root, remove: () => rm(root, { recursive: true, force: true }) };
}
