import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packModule } from '../../../cli/pack-module.js';
import { unpackArchive } from '../../../src/operation/unpack-archive.js';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cldctl-pack-'));
  mkdirSync(join(directory, 'module', 'child'), { recursive: true });
  mkdirSync(join(directory, 'module', '.terraform'));
  writeFileSync(join(directory, 'module', 'main.tf'), 'output "x" { value = 1 }');
  writeFileSync(join(directory, 'module', 'child', 'run.sh'), '#!/bin/sh', { mode: 0o755 });
  writeFileSync(join(directory, 'module', '.terraform', 'secret'), 'x');
  symlinkSync('main.tf', join(directory, 'module', 'link.tf'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('a packed module', () => {
  it('unpacks to the same files, without what the build makes anew', async () => {
    const target = join(directory, 'unpacked');
    await unpackArchive(await packModule(join(directory, 'module')), target);
    expect(readFileSync(join(target, 'main.tf'), 'utf8')).toContain('output');
    expect(readFileSync(join(target, 'link.tf'), 'utf8')).toContain('output');
    expect(readFileSync(join(target, 'child', 'run.sh'), 'utf8')).toBe('#!/bin/sh');
    expect(() => readFileSync(join(target, '.terraform', 'secret'))).toThrow('ENOENT');
  });

  it('is the same bytes for the same files, whenever they were written', async () => {
    const first = await packModule(join(directory, 'module'));
    utimesSync(join(directory, 'module', 'main.tf'), 1, 1);
    expect((await packModule(join(directory, 'module'))).equals(first)).toBe(true);
    writeFileSync(join(directory, 'module', 'main.tf'), 'output "x" { value = 2 }');
    expect((await packModule(join(directory, 'module'))).equals(first)).toBe(false);
  });
});
