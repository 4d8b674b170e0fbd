import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { detectModule } from '../../../src/detect/detect-module.js';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cldctl-detect-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function files(content: Record<string, string>): string {
  for (const [name, text] of Object.entries(content)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

describe('detecting a module', () => {
  it.each(['main.tf', 'main.tofu', 'main.tf.json', 'main.tofu.json'])(
    'takes %s for OpenTofu',
    async (name) => {
      const found = await detectModule(files({ [name]: '{}' }));
      expect(found).toMatchObject({ engine: 'opentofu', reasons: [`it has ${name}`] });
    },
  );

  it('takes Pulumi.yaml for Pulumi, with runtime and project', async () => {
    const found = await detectModule(files({ 'Pulumi.yaml': 'name: shop\nruntime: yaml\n' }));
    expect(found).toMatchObject({ engine: 'pulumi', runtime: 'yaml', project: 'shop' });
  });

  it('refuses two modules in one directory, unless the engine is named', async () => {
    const both = files({ 'main.tf': '', 'Pulumi.yaml': 'name: shop\nruntime: yaml\n' });
    await expect(detectModule(both)).rejects.toMatchObject({
      code: 'InvalidModule',
      message: expect.stringContaining('name the engine') as string,
    });
    expect((await detectModule(both, { engine: 'opentofu' })).engine).toBe('opentofu');
    expect((await detectModule(both, { engine: 'pulumi' })).engine).toBe('pulumi');
  });

  it('says what it expected in a directory without a module', async () => {
    await expect(detectModule(files({ 'child/main.tf': '' }))).rejects.toMatchObject({
      code: 'InvalidModule',
      message: expect.stringContaining('expected .tf or .tofu files, or Pulumi.yaml') as string,
    });
  });

  it('refuses a path that is no directory', async () => {
    files({ 'file.txt': '' });
    for (const path of ['nowhere', 'file.txt'])
      await expect(detectModule(join(directory, path))).rejects.toMatchObject({
        code: 'ModuleNotFound',
      });
  });

  it('leaves out history, state, credentials and what .dockerignore names', async () => {
    const found = await detectModule(
      files({
        'main.tf': '',
        '.git/HEAD': '',
        '.terraform/x': '',
        'terraform.tfstate': '{}',
        '.env': 'SECRET=1',
        'notes.md': '',
        'child/main.tf': '',
        '.dockerignore': '*.md\n',
      }),
    );
    expect(found.files.map(({ path }) => path)).toEqual([
      '.dockerignore',
      'child/main.tf',
      'main.tf',
    ]);
    expect(found.warnings.map((warning) => warning.split(' ')[0])).toEqual([
      '.env',
      'terraform.tfstate',
    ]);
  });

  it('gives the same digest for the same files, and another one for any change', async () => {
    const first = (await detectModule(files({ 'main.tf': 'a', 'b.tf': '' }))).sourceDigest;
    expect((await detectModule(files({ 'main.tf': 'a' }))).sourceDigest).toBe(first);
    expect((await detectModule(files({ 'main.tf': 'b' }))).sourceDigest).not.toBe(first);
    expect((await detectModule(files({ 'main.tf': 'a', 'c.txt': '' }))).sourceDigest).not.toBe(
      first,
    );
  });
});
