import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../../src/setup/package-root.js';

const root = packageRoot();
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, { default: string }>;
};

/** Every compiled module that is reached from an export of the package, and the packages on the way. */
function importGraph(name: string): { files: string[]; packages: string[] } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    const source = readFileSync(file, 'utf8');
    const specifiers = [
      ...source.matchAll(/^(?:import|export)\s[^;]*?from '([^']+)';/gms),
      ...source.matchAll(/^import '([^']+)';/gm),
      ...source.matchAll(/\bimport\('([^']+)'\)/g),
    ];
    for (const [, specifier = ''] of specifiers) {
      if (specifier.startsWith('.')) visit(resolve(dirname(file), specifier));
      else packages.add(specifier);
    }
  };
  visit(resolve(root, exports[name]?.default ?? ''));
  return { files: [...files].map((file) => relative(root, file)), packages: [...packages] };
}

test('the client reaches no Docker, no worker and no store code', () => {
  const { files, packages } = importGraph('./client');
  expect(files).toContain('dist/src/client/iac-client.js');
  const allowed = /^dist\/src\/(client|contract|temporal|errors|request-digest)/;
  expect(files.filter((file) => !allowed.test(file))).toEqual([]);
  const known = /^(node:|@temporalio\/(client|common)(\/|$)|zod$|lossless-json$)/;
  expect(packages.filter((name) => !known.test(name))).toEqual([]);
});

test('the contract reaches nothing but its own schemas', () => {
  const { files, packages } = importGraph('./contract');
  expect(files.filter((file) => !/^dist\/src\/contract\//.test(file))).toEqual([]);
  expect(packages.filter((name) => !/^(zod|lossless-json)$/.test(name))).toEqual([]);
});
