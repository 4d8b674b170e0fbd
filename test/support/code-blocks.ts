/** The code blocks of the documentation. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/setup/package-root.js';

export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  /** The test that runs it, where a comment above the block names one. */
  readonly runBy?: string;
}

/** The blocks of a page, in their order. */
export function codeBlocks(page: string): CodeBlock[] {
  const text = readFileSync(join(packageRoot(), page), 'utf8');
  const blocks = text.matchAll(/(?:<!-- run by (\S+) -->\n\n)?^```(\w+)\n([^]*?)^```$/gm);
  return [...blocks].map(([, runBy, language = '', code = '']) => ({
    language,
    code,
    ...(runBy === undefined ? {} : { runBy }),
  }));
}

/** The command lines of a shell block: continued lines are one, comments are left out. */
export function commandLines(code: string): string[] {
  return code
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.replace(/\s+# .*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
