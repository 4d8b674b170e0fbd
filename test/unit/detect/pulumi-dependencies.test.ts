import { describe, expect, it } from 'vitest';
import { parsePulumiProject } from '../../../src/contract/pulumi-project.js';
import { detectPulumiDependencies } from '../../../src/detect/pulumi-dependencies.js';

function detect(runtime: string, ...files: string[]): unknown {
  return detectPulumiDependencies(
    parsePulumiProject(`name: p\nruntime: ${runtime}\n`, 'Pulumi.yaml'),
    files,
  );
}

describe('nodejs', () => {
  it.each([
    ['package-lock.json', 'npm'],
    ['pnpm-lock.yaml', 'pnpm'],
    ['yarn.lock', 'yarn'],
    ['bun.lock', 'bun'],
  ])('%s means %s', (lock, manager) => {
    expect(detect('nodejs', 'package.json', lock)).toMatchObject({
      manager,
      locked: true,
      files: ['package.json', lock],
    });
  });

  it('takes the manager that the project asks for, and npm without any word', () => {
    const asked = '{name: nodejs, options: {packagemanager: yarn}}';
    expect(detect(asked, 'package.json', 'package-lock.json')).toMatchObject({
      manager: 'yarn',
      locked: false,
    });
    expect(detect('nodejs', 'package.json')).toMatchObject({ manager: 'npm', locked: false });
  });

  it('tells TypeScript from its settings file', () => {
    const files = ['package.json', 'package-lock.json', 'tsconfig.json'];
    expect(detect('nodejs', ...files)).toMatchObject({ typescript: true });
    expect(detect('{name: nodejs, options: {typescript: false}}', ...files)).toMatchObject({
      typescript: false,
    });
  });
});

describe('python', () => {
  it.each([
    [['requirements.txt'], 'pip'],
    [['pyproject.toml', 'poetry.lock'], 'poetry'],
    [['pyproject.toml', 'uv.lock'], 'uv'],
  ])('%j means %s', (files, manager) => {
    expect(detect('python', ...files)).toMatchObject({ manager, files });
  });
});

it('go and yaml', () => {
  expect(detect('go', 'go.mod', 'go.sum', 'main.go')).toEqual({
    runtime: 'go',
    directory: '',
    program: '',
    files: ['go.mod', 'go.sum'],
    locked: true,
  });
  expect(detect('yaml')).toEqual({ runtime: 'yaml' });
});

describe('a program that main names', () => {
  it.each([
    ['nodejs\nmain: infra/', ['package.json', 'infra/package.json', 'infra/index.ts'], 'infra'],
    ['nodejs\nmain: ./infra/start', ['package.json', 'infra/start.js'], ''],
    ['nodejs\nmain: infra/a/b', ['infra/package.json', 'infra/a/b/index.js'], 'infra'],
    ['nodejs\nmain: .', ['package.json', 'index.js'], ''],
    ['python\nmain: infra', ['infra/requirements.txt', 'infra/__main__.py'], 'infra'],
  ] as const)('%j with %j has its dependencies in "%s"', (runtime, files, directory) => {
    expect(detect(runtime, ...files)).toMatchObject({ directory });
  });

  it('is compiled from its folder, in the Go module that holds it', () => {
    expect(detect('go\nmain: infra/cmd/x', 'infra/go.mod', 'infra/cmd/x/main.go')).toMatchObject({
      directory: 'infra',
      program: 'cmd/x',
    });
  });

  it.each(['../other', '/etc', 'a/../../b'])('is refused outside the module: %s', (main) => {
    expect(() => detect(`nodejs\nmain: ${main}`, 'package.json')).toThrow(
      /main: ".*" is outside the module/,
    );
  });

  it('is refused when it is not there', () => {
    expect(() => detect('yaml\nmain: infra', 'infrastructure/Main.yaml')).toThrow(
      'main: there is no "infra" in the module',
    );
  });
});

it.each([
  ['dotnet', [], /dotnet is not supported yet/],
  ['java', [], /java is not supported yet/],
  ['cobol', [], /"cobol" is no Pulumi runtime we know/],
  ['nodejs', [], /needs package\.json/],
  ['python', [], /needs requirements\.txt/],
  ['go', ['main.go'], /needs go\.mod/],
] as const)('%s with %j is refused with a clear word', (runtime, files, message) => {
  expect(() => detect(runtime, ...files)).toThrow(message);
});
