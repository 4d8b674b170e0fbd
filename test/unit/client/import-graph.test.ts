import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Every module that is reached by value imports from an entry, and the packages on the way. */
function importGraph(entry: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    const source = readFileSync(file, 'utf8');
    const statements = source.matchAll(/^(?:import|export)\s(?!type\s)[^;]*?from '([^']+)';/gms);
    for (const [, specifier = ''] of statements) {
      if (specifier.startsWith('.'))
        visit(resolve(dirname(file), specifier.replace(/\.js$/, '.ts')));
      else packages.add(specifier);
    }
  };
  visit(resolve(root, entry));
  return { files, packages };
}

test('the client reaches no Docker, no worker and no store code', () => {
  const { files, packages } = importGraph('src/client/index.ts');
  const reached = [...files].map((file) => file.slice(root.length));
  expect(reached).toContain('src/client/iac-client.ts');
  expect(reached.filter((file) => !/^src\/(client|contract|temporal|errors)/.test(file))).toEqual(
    [],
  );
  const foreign = [...packages].filter(
    (name) => !/^(node:|@temporalio\/(client|common)|zod$|lossless-json$)/.test(name),
  );
  expect(foreign).toEqual([]);
});
