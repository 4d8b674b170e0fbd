import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { listModuleFiles } from '../../../src/detect/module-files.js';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function directory(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'module-files-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

test('history, tool folders and what .dockerignore names stay out', async () => {
  const { files, warnings } = await listModuleFiles(
    await directory({
      'main.tf': '',
      'child/main.tf': '',
      '.git/HEAD': 'x',
      'child/.terraform/x': 'x',
      'node_modules/a/index.js': 'x',
      'docs/a.md': 'x',
      'docs/kept.md': 'x',
      'notes.txt': 'x',
      '.dockerignore': 'docs\n!docs/kept.md\n# comment\nnotes.*\n',
    }),
  );
  const paths = files.map(({ path }) => path);
  expect(paths).toEqual(['.dockerignore', 'child/main.tf', 'docs/kept.md', 'main.tf']);
  expect(warnings).toEqual([]);
});

test('state and credentials stay out with a warning, certificates and addresses go in', async () => {
  const { files, warnings } = await listModuleFiles(
    await directory({
      'main.tf': '',
      'terraform.tfstate': '{}',
      'terraform.tfstate.backup': '{}',
      'child/prod.tfstate': '{}',
      'errored.tfstate': '{}',
      '.env': 'A=1',
      '.env.production': 'A=1',
      '.env.example': 'A=',
      id_rsa: 'x',
      'ca.pem': '-----BEGIN CERTIFICATE-----\n',
      'server.pem': '-----BEGIN CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\n',
      'server.key': '-----BEGIN PRIVATE KEY-----\n',
      '.npmrc': 'registry=https://registry.example.com\n',
      'child/.npmrc': '//registry.example.com/:_authToken=x\n',
    }),
  );
  expect(files.map(({ path }) => path)).toEqual(['.env.example', '.npmrc', 'ca.pem', 'main.tf']);
  expect(warnings).toHaveLength(10);
  expect(warnings.join('\n')).toContain('"!server.key" in .dockerignore takes it in');
});

test('.dockerignore can take in what would be left out', async () => {
  const { files, warnings } = await listModuleFiles(
    await directory({
      'main.tf': '',
      'server.key': '-----BEGIN PRIVATE KEY-----\n',
      '.dockerignore': '!server.key\n',
    }),
  );
  expect(files.map(({ path }) => path)).toContain('server.key');
  expect(warnings).toEqual([]);
});

test('links are kept as links and not followed', async () => {
  const folder = await directory({ 'main.tf': '', 'real/a.txt': 'a' });
  await symlink('real', join(folder, 'link'));
  await symlink('..', join(folder, 'real', 'loop'));
  const { files } = await listModuleFiles(folder);
  expect(files).toContainEqual({ path: 'link', executable: false, link: 'real' });
  expect(files).toContainEqual({ path: 'real/loop', executable: false, link: '..' });
});
