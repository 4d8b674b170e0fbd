import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseJson } from '../../../src/contract/index.js';
import { isModuleFile } from './module-files.js';

/** The module's own `backend` or `cloud` block, e.g. `backend "s3" (main.tf)`, for the notice that it is overridden. */
export function ownBackend(directory: string): string | undefined {
  for (const name of readdirSync(directory).filter(isModuleFile).sort()) {
    const text = readFileSync(join(directory, name), 'utf8');
    const found = name.endsWith('.json') ? jsonBackend(text) : hclBackend(text);
    if (found !== undefined) return `${found} (${name})`;
  }
  return undefined;
}

function hclBackend(text: string): string | undefined {
  const code = text.replace(/#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, '');
  const [, type] = /^\s*backend\s+"?([\w-]+)"?\s*\{/m.exec(code) ?? [];
  if (type !== undefined) return `backend "${type}"`;
  return /^\s*terraform\s*\{[\s\S]*?^\s*cloud\s*\{/m.test(code) ? 'cloud block' : undefined;
}

function jsonBackend(text: string): string | undefined {
  let blocks: unknown;
  try {
    blocks = (parseJson(text) as { terraform?: unknown }).terraform;
  } catch {
    return undefined;
  }
  for (const block of [blocks].flat() as ({ backend?: unknown; cloud?: unknown } | undefined)[]) {
    if (block?.backend !== undefined) {
      const [first] = [block.backend].flat() as object[];
      return `backend "${Object.keys(first ?? {})[0] ?? ''}"`;
    }
    if (block?.cloud !== undefined) return 'cloud block';
  }
  return undefined;
}
