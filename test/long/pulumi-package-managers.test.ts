/** Programs whose dependencies another tool than npm and pip locked: installed by that tool as locked, and run without a network. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type { Engine } from '../../src/docker/engine.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { pulumiModuleImage } from '../support/pulumi-module.js';
import { runOnce } from '../support/run-once.js';
import { testEngine } from '../support/test-engine.js';

const FIXTURES = join(packageRoot(), 'test/fixtures/pulumi-package-managers');

/** `satisfies` is beyond the compiler that the SDK falls back to. */
const TYPESCRIPT = `import * as pulumi from '@pulumi/pulumi';
import { existsSync } from 'node:fs';
import { version } from 'typescript';
const size: number = new pulumi.Config().requireNumber('size');
const stash = new pulumi.Stash('s', { input: { size } satisfies Record<string, number> });
export const answer = stash.output;
export const compiler = version;
export const developmentInstalled = existsSync('node_modules/prettier');
`;
const JAVASCRIPT = `const pulumi = require('@pulumi/pulumi');
const { existsSync } = require('node:fs');
const stash = new pulumi.Stash('s', { input: { size: new pulumi.Config().requireNumber('size') } });
exports.answer = stash.output;
exports.developmentInstalled = existsSync('node_modules/prettier');
`;
const PYTHON = `from importlib.util import find_spec
import pulumi
stash = pulumi.Stash("s", input={"size": pulumi.Config().require_int("size")})
pulumi.export("answer", stash.output)
pulumi.export("developmentInstalled", find_spec("iniconfig") is not None)
`;

const abort = new AbortController();
let engine: Engine;
let bases: Record<'nodejs' | 'python', string>;
beforeAll(async () => {
  engine = await testEngine();
  const system = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['pulumi-nodejs', 'pulumi-python'],
    signal: abort.signal,
    report: () => undefined,
  });
  bases = { nodejs: system['pulumi-nodejs'], python: system['pulumi-python'] };
}, 900_000);
afterAll(() => abort.abort());

async function outputsOf(
  runtime: 'nodejs' | 'python',
  files: Readonly<Record<string, string | Buffer>>,
): Promise<Record<string, unknown>> {
  const image = await pulumiModuleImage(
    engine,
    bases[runtime],
    { 'Pulumi.yaml': `name: locked\nruntime: ${runtime}\n`, ...files },
    abort.signal,
  );
  const request = { action: 'apply', stack_name: 'locked', inputs: { size: 3 } } as const;
  const { response } = await runOnce(engine, { image, request, signal: abort.signal });
  expect(response.failure).toBeUndefined();
  return Object.fromEntries(
    Object.entries(response.outputs).map(([output, { value }]) => [output, value]),
  );
}

function locksOf(manager: string): Record<string, Buffer> {
  const folder = join(FIXTURES, manager);
  return Object.fromEntries(
    readdirSync(folder).map((file) => [file, readFileSync(join(folder, file))]),
  );
}

describe.each(['npm', 'pnpm', 'yarn', 'bun'])('nodejs with the lock file of %s', (manager) => {
  const manifest = readFileSync(join(FIXTURES, 'package.json'), 'utf8');
  test('TypeScript', async () => {
    const locks = locksOf(manager);
    const outputs = await outputsOf('nodejs', {
      ...locks,
      'package.json': manifest,
      'tsconfig.json':
        '{"compilerOptions": {"strict": true, "module": "nodenext", "moduleResolution": "nodenext", "target": "es2022"}}',
      'index.ts': TYPESCRIPT,
    });
    expect(outputs).toMatchObject({ answer: { size: 3 }, developmentInstalled: false });
    const [lock] = Object.values(locks);
    expect(lock?.toString(), 'the compiler is the locked one').toMatch(
      new RegExp(`typescript[^]{0,40}${String(outputs['compiler']).replaceAll('.', '\\.')}`),
    );
  });
  test('JavaScript', async () => {
    const outputs = await outputsOf('nodejs', {
      ...locksOf(manager),
      'package.json': manifest.replace('index.ts', 'index.js'),
      'index.js': JAVASCRIPT,
    });
    expect(outputs).toEqual({ answer: { size: 3 }, developmentInstalled: false });
  });
});

test.each(['poetry', 'uv'])('python with the lock file of %s', async (manager) => {
  const outputs = await outputsOf('python', { ...locksOf(manager), '__main__.py': PYTHON });
  expect(outputs).toEqual({ answer: { size: 3 }, developmentInstalled: false });
});
