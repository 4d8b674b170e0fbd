import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's own directory, the same from sources, from `dist` and from `node_modules`: the nearest one above that holds `images/` and `package.json`. */
export function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!(existsSync(join(directory, 'images')) && existsSync(join(directory, 'package.json')))) {
    const parent = dirname(directory);
    if (parent === directory)
      throw new Error(`no package directory above ${fileURLToPath(import.meta.url)}`);
    directory = parent;
  }
  return directory;
}
