import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandPaths } from '../../../cli/command-paths.js';
import { generatedFiles } from '../../../cli/generate/generated-files.js';
import { errorCodeSchema } from '../../../src/contract/error-code.js';
import { loadConfig } from '../../../src/config.js';
import { packageRoot } from '../../../src/setup/package-root.js';

const root = packageRoot();
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

describe('generated files', async () => {
  const files = await generatedFiles();
  it.each([...files.keys()])('%s is current; if not: npm run generate', (path) => {
    expect(read(path)).toBe(files.get(path));
  });

  it('has a schema file for nothing that is gone', () => {
    const known = [...files.keys()].filter((path) => path.startsWith('schemas/'));
    expect(
      readdirSync(join(root, 'schemas'))
        .map((name) => `schemas/${name}`)
        .sort(),
    ).toEqual(known.sort());
  });
});

describe('troubleshooting', () => {
  const text = read('docs/troubleshooting.md');

  it('has a section and a link for every error code, and for nothing else', () => {
    const sections = [...text.matchAll(/^## (\w+)$/gm)].map((match) => match[1]);
    expect(sections).toEqual(errorCodeSchema.options);
    for (const code of errorCodeSchema.options)
      expect(text).toContain(`[${code}](#${code.toLowerCase()})`);
  });
});

describe('configuration', () => {
  const documented = new Set(read('docs/configuration.md').match(/\bCLDCTL_[A-Z_]+\b/g));
  const complaint = (name: string, value: string): string => {
    try {
      loadConfig({ [name]: value });
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };

  it('documents only variables that exist', () => {
    for (const name of documented) expect(complaint(name, 'x')).not.toContain('unknown variable');
  });

  it('documents every variable that the code names', () => {
    const named = read('src/config.ts').match(/\bCLDCTL_[A-Z_]+(?=:)/g) ?? [];
    expect(named.length).toBeGreaterThan(10);
    for (const name of named) expect(documented).toContain(name);
  });
});

describe('every page', () => {
  it.each(pages)('%s links to files and headings that exist', (page) => {
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = '', heading] = target.split('#');
      const path = file === '' ? page : resolve('/', dirname(page), file).slice(1);
      const content = read(path);
      if (heading === undefined) continue;
      const anchors = [...content.matchAll(/^#+ (.+)$/gm)].map((match) =>
        (match[1] ?? '')
          .toLowerCase()
          .replace(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      );
      expect(anchors, `${page} → ${target}`).toContain(heading);
    }
  });

  it.each(pages)('%s names only commands and flags that exist', (page) => {
    const reference = read('docs/command.md');
    const known = commandPaths().map((path) => path.join(' '));
    for (const [line = ''] of read(page).matchAll(/(?<=cldctl-iac )[a-z][^`\n|#;]*/g)) {
      if (page === join('docs', 'command.md')) continue;
      const words = line.trim().split(/\s+/);
      const path = known.includes(words.slice(0, 2).join(' '))
        ? words.slice(0, 2).join(' ')
        : words[0];
      if (path === undefined || !/^[a-z]+( [a-z]+)?$/.test(path)) continue;
      expect(known, `${page}: ${line}`).toContain(path);
      const help = reference.split(`## cldctl-iac ${path}\n`)[1]?.split('\n## ')[0] ?? '';
      for (const flag of line.match(/(?<= )--[a-z-]+/g) ?? [])
        expect(help, `${page}: ${line}`).toContain(flag);
    }
  });
});
