/** Programs of every runtime in folders of their own, and programs that can't be read: built and run without a network. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { runtimeSchema, type Runtime } from '../../src/contract/module-schema.js';
import type { ModuleResponse } from '../../src/contract/response.js';
import type { Engine } from '../../src/docker/engine.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { pulumiModuleImage } from '../support/pulumi-module.js';
import { runOnce } from '../support/run-once.js';
import { testEngine } from '../support/test-engine.js';

type Files = Record<string, string | Buffer>;

const abort = new AbortController();
let engine: Engine;
let bases: Record<`pulumi-${Runtime}`, string>;

beforeAll(async () => {
  engine = await testEngine();
  bases = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['pulumi-yaml', 'pulumi-nodejs', 'pulumi-python', 'pulumi-go'],
    signal: abort.signal,
    report: () => undefined,
  });
}, 900_000);
afterAll(() => abort.abort());

/** Files that name and lock the dependencies of an example, in another folder. */
function dependencies(runtime: Runtime, folder: string, names: readonly string[]): Files {
  return Object.fromEntries(
    names.map((name) => [
      `${folder}${name}`,
      readFileSync(join(packageRoot(), 'examples', `pulumi-${runtime}`, name)),
    ]),
  );
}

const build = (runtime: Runtime, files: Files): Promise<string> =>
  pulumiModuleImage(engine, bases[`pulumi-${runtime}`], files, abort.signal);

async function run(image: string, action: 'preview' | 'apply'): Promise<ModuleResponse> {
  const request = { action, stack_name: 'layout', inputs: { size: 'small' } };
  return (await runOnce(engine, { image, request, signal: abort.signal })).response;
}

const GO_PROGRAM = `package main

import (
	"service-settings/names"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		ctx.Export(names.Output, pulumi.String(config.New(ctx, "").Require("size")))
		return nil
	})
}
`;

/** `main` names a folder, the folder's own file, or a folder below the one with the dependencies. */
const IN_FOLDERS: Readonly<Record<Runtime, () => Files>> = {
  yaml: () => ({
    'Pulumi.yaml': 'name: layout\nruntime: yaml\nmain: infra/\n',
    'infra/Main.yaml': 'config:\n  size: {type: string}\noutputs:\n  size: ${size}\n',
  }),
  nodejs: () => ({
    'Pulumi.yaml': 'name: layout\nruntime: nodejs\nmain: ./infra/program\n',
    ...dependencies('nodejs', 'infra/', ['package.json', 'package-lock.json']),
    'infra/program/index.js': `import * as pulumi from '@pulumi/pulumi';
export const size = new pulumi.Config().require('size');
`,
  }),
  python: () => ({
    'Pulumi.yaml':
      'name: layout\nruntime: {name: python, options: {virtualenv: venv}}\nmain: infra\n',
    ...dependencies('python', 'infra/', ['requirements.txt']),
    'infra/__main__.py':
      'import pulumi\n\npulumi.export("size", pulumi.Config().require("size"))\n',
  }),
  go: () => ({
    'Pulumi.yaml': 'name: layout\nruntime: go\nmain: cmd/settings\n',
    ...dependencies('go', '', ['go.mod', 'go.sum']),
    'names/names.go': 'package names\n\nconst Output = "size"\n',
    'cmd/settings/main.go': GO_PROGRAM,
  }),
};

describe.each(runtimeSchema.options)('runtime %s', (runtime) => {
  let image: string;
  // Go compiles the SDK when no other build has.
  beforeAll(async () => {
    image = await build(runtime, IN_FOLDERS[runtime]());
  }, 900_000);

  test('a program in a folder of its own, with its dependencies there or above', async () => {
    const response = await run(image, 'apply');
    expect(response.failure).toBeUndefined();
    expect(response.outputs).toEqual({ size: { value: 'small' } });
  });
});

test.each<[Runtime, string, string, readonly string[], RegExp]>([
  [
    'nodejs',
    'index.js',
    "import * as pulumi from '@pulumi/pulumi';\nexport const a = (;\n",
    ['package.json', 'package-lock.json'],
    /^ModuleFailed: SyntaxError: .* \(index\.js\)$/,
  ],
  [
    'python',
    '__main__.py',
    'import pulumi\n\ndef broken(:\n',
    ['requirements.txt'],
    /^ModuleFailed: SyntaxError: .* \(__main__\.py:3\)$/,
  ],
  [
    'yaml',
    'Main.yaml',
    'outputs:\n  a: ${nowhere.b}\n',
    [],
    /"nowhere" could not be found \(Main\.yaml:2\)$/,
  ],
])('a %s program with a mistake in it says where', async (runtime, file, text, names, where) => {
  const image = await build(runtime, {
    'Pulumi.yaml': `name: layout\nruntime: ${runtime}\n`,
    ...dependencies(runtime, '', names),
    [file]: text,
  });
  const { failure, error } = await run(image, 'preview');
  expect(failure?.code).toBe('ModuleFailed');
  expect(error).toMatch(where);
});

test('a go program with a mistake in it is told by the build', async () => {
  await expect(
    build('go', {
      'Pulumi.yaml': 'name: layout\nruntime: go\n',
      ...dependencies('go', '', ['go.mod', 'go.sum']),
      'main.go': 'package main\n\nfunc main() { nowhere() }\n',
    }),
  ).rejects.toMatchObject({
    code: 'BuildFailed',
    message: expect.stringMatching(/main\.go:3.*nowhere/) as string,
  });
});
