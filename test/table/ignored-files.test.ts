/** What of a module's directory is in its image, beside what the plain docker command copies. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import * as tar from 'tar-stream';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type { Engine } from '../../src/docker/engine.js';
import { createBuilder, type Builder } from '../../src/standalone/builder.js';
import { testEngine, uniqueName } from '../support/test-engine.js';
import { writeModule } from '../support/tofu.js';
import { defaultRows, ignoreRows, type IgnoreRow } from './rows/ignored.js';

/** What the build adds to the files. */
const MADE = /^(\.terraform(\/.*)?|\.terraform\.lock\.hcl|zz_cldctl_.*\.tf\.json)$/;

let engine: Engine;
let builder: Builder;
const tags: string[] = [];

beforeAll(async () => {
  engine = await testEngine();
  builder = await createBuilder({ engine, config: loadConfig(process.env) });
});
afterAll(async () => {
  await builder.close();
  for (const tag of tags) await engine.docker.getImage(tag).remove({ force: true });
});

describe('as the plain docker command copies', () => {
  test.each(ignoreRows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    const directory = await directoryOf(row);
    const plain = await copiedByDocker(directory);
    const { files, notices } = await builtFrom(directory);
    expect(files).toEqual(plain);
    expect(notices).toEqual([]);
    // A row in which nothing is left out, or everything, says nothing.
    expect(files).toContain('main.tf');
    expect(files.length).toBeGreaterThan(1);
    expect(files.length).toBeLessThan(filesOf(row).length);
  });
});

describe('whatever .dockerignore says', () => {
  test.each(defaultRows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    const { files, notices } = await builtFrom(await directoryOf(row));
    expect(files).toEqual(['main.tf', ...(row.image ?? [])].sort());
    const { warnings = [] } = row;
    for (const warning of warnings)
      expect(
        notices.some((notice) => notice.startsWith(warning)),
        warning,
      ).toBe(true);
    expect(notices).toHaveLength(warnings.length);
  });
});

function filesOf({ files }: IgnoreRow): [string, string][] {
  const entries = Array.isArray(files)
    ? (files as readonly string[]).map((name): [string, string] => [name, name])
    : Object.entries(files as Readonly<Record<string, string>>);
  return [['main.tf', 'output "a" {\n  value = 1\n}\n'], ...entries];
}

async function directoryOf(row: IgnoreRow): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ignored-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await writeModule(directory, {
    ...Object.fromEntries(filesOf(row)),
    '.dockerignore': `${row.ignore.join('\n')}\n`,
  });
  return directory;
}

/** Files of the module in the image that the product builds, and what the build tells. */
async function builtFrom(directory: string) {
  const tag = newTag();
  const { notices } = await builder.build({ moduleDir: directory, tag });
  const files = (await filesIn(tag, '/module')).filter((file) => !MADE.test(file));
  return { files, notices };
}

/** Files that `COPY . .` copies; `.dockerignore` itself, which we keep out, is left aside. */
async function copiedByDocker(directory: string): Promise<string[]> {
  const elsewhere = await mkdtemp(join(tmpdir(), 'plain-'));
  onTestFinished(() => rm(elsewhere, { recursive: true, force: true }));
  await writeModule(elsewhere, { Dockerfile: 'FROM scratch\nCOPY . /module/\n' });
  const tag = newTag();
  await plainBuild(['build', '-q', '-t', tag, '-f', join(elsewhere, 'Dockerfile'), directory]);
  return (await filesIn(tag, '/module')).filter((file) => file !== '.dockerignore');
}

function newTag(): string {
  const tag = `cldctl-test/ignored:${uniqueName('row')}`;
  tags.push(tag);
  return tag;
}

async function plainBuild(words: readonly string[]): Promise<void> {
  const child = spawn('docker', words, {
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  expect(code, Buffer.concat(errors).toString()).toBe(0);
}

/** Paths of the files below a directory of an image, sorted. */
async function filesIn(image: string, directory: string): Promise<string[]> {
  const container = await engine.docker.createContainer({
    Image: image,
    Entrypoint: ['/never-started'],
    HostConfig: { NetworkMode: 'none' },
  });
  try {
    const archive = (await container.getArchive({ path: directory })) as Readable;
    const extract = tar.extract();
    archive.pipe(extract as unknown as NodeJS.WritableStream);
    const files: string[] = [];
    for await (const entry of extract) {
      const { type, name } = entry.header;
      if (type === 'file') files.push(name.split('/').slice(1).join('/'));
      entry.resume();
    }
    return files.sort();
  } finally {
    await container.remove({ force: true, v: true });
  }
}
