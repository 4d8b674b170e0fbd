/** The plugins that an image brings. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ModuleDescription } from '../../../src/contract/index.js';

/** Those below the CLI's home directory, sorted by name, each with the digest of its executable: what a run can use, and nothing else. */
export function installedPlugins(home: string): NonNullable<ModuleDescription['plugins']> {
  const folder = join(home, 'plugins');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .flatMap((entry) => {
      const [, kind, name, version] =
        /^(resource|tool|converter)-(.+)-v(\d[^/]*)$/.exec(entry) ?? [];
      if (kind === undefined || name === undefined || version === undefined) return [];
      const executable = join(folder, entry, `pulumi-${kind}-${name}`);
      if (!existsSync(executable) || !statSync(executable).isFile()) return [];
      const sha256 = createHash('sha256').update(readFileSync(executable)).digest('hex');
      return [{ name, version, sha256 }];
    });
}
