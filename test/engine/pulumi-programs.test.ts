/** Pulumi programs that misbehave: each ends with a clear word, and no secret in it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { stringifyJson, type Json } from '../../src/contract/json.js';
import type { Engine } from '../../src/docker/engine.js';
import { resolveLimits, type ModuleRunResult } from '../../src/docker/module-run.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { pulumiModuleImage } from '../support/pulumi-module.js';
import { runOnce } from '../support/run-once.js';
import { testEngine } from '../support/test-engine.js';

const SECRET = 'geheim-31337';
const PROGRAM = `import * as pulumi from '@pulumi/pulumi';
const config = new pulumi.Config();
const mode = config.require('mode');
const token = config.require('token');
if (mode === 'throws') throw new Error('can not log in with ' + token);
if (mode === 'rejects') void Promise.reject(new Error('refused ' + token));
if (mode === 'leaves early') process.exit(3);
if (mode === 'misses a module') await import('left-' + 'pad');
if (mode === 'prints') {
  const line = 'x'.repeat(1023);
  for (let i = 0; i < 100 * 1024; i += 1)
    if (!process.stdout.write(line + '\\n')) await new Promise((go) => process.stdout.once('drain', go));
}
if (mode === 'hangs') setInterval(() => undefined, 1000);
if (mode === 'hangs') await new Promise(() => undefined);
if (mode === 'never does the same twice')
  new pulumi.Stash('s', { input: { at: Date.now(), made: pulumi.secret('made-' + Date.now()) } });
export const types = config.getObject('types');
export const text = config.get('text');
`;

let engine: Engine;
let image: string;
const abort = new AbortController();

beforeAll(async () => {
  engine = await testEngine();
  const { 'pulumi-nodejs': base } = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['pulumi-nodejs'],
    signal: abort.signal,
    report: () => undefined,
  });
  const example = join(packageRoot(), 'examples', 'pulumi-nodejs');
  const files = {
    'Pulumi.yaml': 'name: odd\nruntime: nodejs\n',
    'index.js': PROGRAM,
    'package.json': readFileSync(join(example, 'package.json')),
    'package-lock.json': readFileSync(join(example, 'package-lock.json')),
  };
  image = await pulumiModuleImage(engine, base, files, abort.signal);
}, 900_000);
afterAll(() => abort.abort());

async function run(
  inputs: Record<string, Json>,
  more: { action?: 'preview' | 'apply'; memory?: number; runTimeoutMs?: number } = {},
): Promise<{ result: ModuleRunResult; lines: number; bytes: number }> {
  let [lines, bytes] = [0, 0];
  const { action = 'preview', memory, runTimeoutMs = 110_000 } = more;
  const result = await runOnce(engine, {
    image,
    request: {
      action,
      stack_name: 'odd',
      inputs: { token: SECRET, ...inputs },
      secret_inputs: ['token'],
    },
    limits: resolveLimits({ network: 'none', ...(memory === undefined ? {} : { memory }) }),
    runTimeoutMs,
    signal: abort.signal,
    onEvent: (event) => {
      const text = stringifyJson(event);
      expect(text).not.toContain(SECRET);
      lines += 1;
      bytes += text.length;
    },
  });
  expect(stringifyJson({ ...result.response, outputs: {} })).not.toContain(SECRET);
  return { result, lines, bytes };
}

test.each<[string, string, RegExp]>([
  [
    'throws',
    'ModuleFailed',
    /^ModuleFailed: Error: can not log in with \[(secret|redacted)\] \(index\.js:5\)$/,
  ],
  ['rejects', 'ModuleFailed', /refused \[(secret|redacted)\]/],
  ['leaves early', 'ModuleFailed', /exit(ed)? .*code: 3/],
  ['misses a module', 'InvalidModule', /dependency left-pad is not in the image/],
])('a program that %s', async (mode, code, error) => {
  const { result } = await run({ mode });
  expect(result.response.failure?.code).toBe(code);
  expect(result.response.error).toMatch(error);
});

test('a program that does not do what its preview showed', async () => {
  const { result } = await run({ mode: 'never does the same twice' }, { action: 'apply' });
  const { response } = result;
  expect(response.failure?.code).toBe('PlanViolated');
  expect(response.failure?.message).toBe(
    'pulumi:index:Stash s: input would not be what was approved',
  );
  expect(stringifyJson(response)).not.toMatch(/made-\d/);
  expect(response.receipt).toMatchObject({ done: 0, unapproved: 0 });
});

test('inputs arrive in the program as they were sent', async () => {
  const types = {
    numbers: [1, 1.5, -3],
    nothing: null,
    yes: true,
    text: '007',
    secure: 'x',
    inner: { secure: 'only' },
  };
  const { result } = await run({ mode: 'well', types, text: '--ä\n"€"' }, { action: 'apply' });
  expect(result.response.outputs['text']).toEqual({ value: '--ä\n"€"' });
  expect(result.response.outputs['types']?.value).toEqual(types);
});

test('a program that prints 100 MB', async () => {
  const { result, bytes } = await run({ mode: 'prints' }, { memory: 768 * 1024 * 1024 });
  expect(result.oomKilled).toBe(false);
  expect(result.response.success).toBe(true);
  expect(bytes + result.dropped).toBeGreaterThan(100 * 1024 * 1024);
}, 300_000);

test('a program that hangs is stopped when its time is over', async () => {
  const { result } = await run({ mode: 'hangs' }, { runTimeoutMs: 20_000 });
  expect(result.response.success).toBe(false);
  expect(result.response.failure?.detail).toMatchObject({ interrupted: true });
});
