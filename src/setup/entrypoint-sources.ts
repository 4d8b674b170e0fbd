import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { versions } from './versions.js';

const importPattern = /(?:\bfrom|\bimport)\s*\(?\s*["']([^"']+)["']/g;

/**
 * The source files of the entrypoint: `entrypoint/main.ts` and every file of ours that it reaches through relative imports,
 * as sorted paths relative to `root`.
 */
export function entrypointSources(root: string): string[] {
  const found = new Set<string>();
  const visit = (file: string): void => {
    if (found.has(file)) return;
    found.add(file);
    for (const [, specifier] of readFileSync(file, 'utf8').matchAll(importPattern)) {
      if (!specifier?.startsWith('.')) continue;
      const target = resolve(dirname(file), specifier.replace(/\.js$/, '.ts'));
      if (existsSync(target)) visit(target);
    }
  };
  visit(join(root, 'entrypoint', 'main.ts'));
  return [...found].map((file) => relative(root, file)).sort();
}

/** SHA-256 (hex) over the entrypoint's sources, the libraries compiled into it and its compiler: equal digest, equal executable. */
export function entrypointDigest(root: string): string {
  const hash = createHash('sha256');
  hash.update(`bun ${versions.bun}\n${JSON.stringify(entrypointDependencies(root))}\n`);
  for (const file of entrypointSources(root)) {
    const content = readFileSync(join(root, file));
    hash.update(`${file} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

function entrypointDependencies(root: string): Record<string, string> {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const used = new Map<string, string>();
  for (const file of entrypointSources(root)) {
    for (const [, specifier] of readFileSync(join(root, file), 'utf8').matchAll(importPattern)) {
      const name = specifier?.match(/^(?:@[^/]+\/)?[^./][^/]*/)?.[0];
      const version = name === undefined ? undefined : manifest.dependencies[name];
      if (name !== undefined && version !== undefined) used.set(name, version);
    }
  }
  return Object.fromEntries([...used].sort(([a], [b]) => a.localeCompare(b)));
}
