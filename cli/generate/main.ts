/** Writes the generated files: node dist/cli/generate/main.js */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../src/setup/package-root.js';
import { generatedFiles } from './generated-files.js';

for (const [path, content] of await generatedFiles()) {
  const file = join(packageRoot(), path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  process.stdout.write(`${path}\n`);
}
