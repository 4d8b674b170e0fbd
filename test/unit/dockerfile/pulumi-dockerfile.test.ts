import { validate } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';
import { parsePulumiProject } from '../../../src/contract/pulumi-project.js';
import { detectPulumiDependencies } from '../../../src/detect/pulumi-dependencies.js';
import { renderPulumiDockerfile } from '../../../src/dockerfile/pulumi-dockerfile.js';

function render(runtime: string, files: string[], certificates?: string): string {
  const project = parsePulumiProject(`name: p\nruntime: ${runtime}\n`, 'Pulumi.yaml');
  return renderPulumiDockerfile({
    base: 'base:1',
    module: 'module',
    labels: { 'dev.cldctl.engine': 'pulumi' },
    dependencies: detectPulumiDependencies(project, files),
    ...(certificates === undefined ? {} : { certificates }),
  });
}

const CASES: readonly (readonly [string, string[]])[] = [
  ['yaml', []],
  ['nodejs', ['package.json', 'package-lock.json']],
  ['nodejs', ['package.json', 'package-lock.json', 'tsconfig.json']],
  ['nodejs', ['package.json', 'pnpm-lock.yaml']],
  ['nodejs', ['package.json', 'yarn.lock']],
  ['nodejs', ['package.json', 'bun.lock']],
  ['python', ['requirements.txt']],
  ['python', ['pyproject.toml', 'poetry.lock']],
  ['python', ['pyproject.toml', 'uv.lock']],
  ['go', ['go.mod', 'go.sum']],
];

describe.each(CASES)('%s with %j', (runtime, files) => {
  const steps = (): string[] => render(runtime, files).split('\n');

  it('is as it was', () => {
    expect(render(runtime, files)).toMatchSnapshot();
  });

  it('installs before the sources, and runs as nobody', () => {
    const sources = steps().lastIndexOf('COPY module .');
    const installs = steps().findIndex((step) => /install|npm ci|sync|go build github/.test(step));
    if (installs !== -1) expect(installs).toBeLessThan(sources);
    expect(steps().slice(-3, -1)).toEqual([
      'RUN ["/cldctl-entrypoint","prepare","pulumi","module"]',
      'USER 10001:10001',
    ]);
    // What no source changes is kept by any builder.
    for (const setting of ['ENTRYPOINT ["/cldctl-entrypoint"]', 'LABEL dev.cldctl.engine="pulumi"'])
      expect(steps().lastIndexOf(setting)).toBeLessThan(sources);
  });

  it('keeps certificates in the stage that installs', () => {
    const [, last = ''] = render(runtime, files, 'ca.pem').split(/\n\nFROM /);
    expect(last).not.toContain('ca.pem');
  });

  it('is a Dockerfile', () => {
    expect(validate(render(runtime, files, 'ca.pem'))).toEqual([]);
  });
});
