import { describe, expect, it } from 'vitest';
import {
  isRequiredConfig,
  parsePulumiProject,
  qualifiedConfigKey,
} from '../../../src/contract/pulumi-project.js';

describe('parsePulumiProject', () => {
  it.each([
    ['plain', 'name: p\nruntime: nodejs\n', {}],
    ['quoted', 'name: "p"\nruntime: "nodejs"\n', {}],
    ['commented', '# a\nname: p # b\nruntime: nodejs # python\n', {}],
    [
      'object',
      'name: p\nruntime:\n  name: nodejs\n  options: {typescript: false}\n',
      { typescript: false },
    ],
    ['object without options', 'name: p\nruntime: {name: nodejs, options: }\n', {}],
    [
      'JSON',
      '{"name":"p","runtime":{"name":"nodejs","options":{"packagemanager":"pnpm"}}}',
      { packagemanager: 'pnpm' },
    ],
    ['byte order mark', '\uFEFFname: p\nruntime: nodejs\n', {}],
  ])('reads the runtime: %s', (_title, text, runtimeOptions) => {
    expect(parsePulumiProject(text, 'Pulumi.yaml')).toMatchObject({
      name: 'p',
      runtime: 'nodejs',
      runtimeOptions,
    });
  });

  it('reads declared configuration in every form', () => {
    const project = parsePulumiProject(
      `name: p
runtime: yaml
main: infra/
config:
  size: {type: integer, default: 3, description: how many}
  token: {type: string, secret: true}
  short: 007
  aws:region: {value: eu-west-1}
outputs:
  url: \${x.y}
`,
      'Pulumi.yaml',
    );
    expect(project.main).toBe('infra/');
    expect(project.outputs).toEqual(['url']);
    expect(project.config).toMatchObject({
      size: { type: 'integer', default: 3, description: 'how many' },
      token: { type: 'string', secret: true },
      'aws:region': { value: 'eu-west-1' },
    });
    const required = Object.entries(project.config)
      .filter(([key, config]) => isRequiredConfig('p', key, config))
      .map(([key]) => key);
    expect(required).toEqual(['token']);
  });

  it('takes a string `config` for the folder of stack files', () => {
    expect(
      parsePulumiProject('name: p\nruntime: go\nconfig: stacks/\n', 'Pulumi.yaml').config,
    ).toEqual({});
  });

  it.each([
    ['no name', 'runtime: go\n', /Pulumi\.yaml: name: /],
    ['no runtime', 'name: p\n', /Pulumi\.yaml: runtime: /],
    ['broken YAML', 'name: [p\n', /Pulumi\.yaml: .*line/],
    ['a list', '- a\n', /Pulumi\.yaml: /],
    [
      'an unknown type',
      'name: p\nruntime: go\nconfig: {k: {type: float}}\n',
      /Pulumi\.yaml: config\.k: type: /,
    ],
  ])('names file and place: %s', (_title, text, message) => {
    expect(() => parsePulumiProject(text, 'Pulumi.yaml')).toThrow(message);
  });

  it('gives a bare key the name of the project', () => {
    expect(qualifiedConfigKey('p', 'size')).toBe('p:size');
    expect(qualifiedConfigKey('p', 'aws:region')).toBe('aws:region');
  });
});
