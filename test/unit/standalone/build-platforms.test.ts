import { describe, expect, test } from 'vitest';
import type { DetectedModule } from '../../../src/detect/detect-module.js';
import type { Engine } from '../../../src/docker/engine.js';
import {
  checkPlatforms,
  digestOfAll,
  platformTag,
} from '../../../src/standalone/build-platforms.js';

const engine = { platform: 'linux/amd64', builder: 'buildkit' } as Engine;
const module = { engine: 'opentofu', ownDockerfile: false } as DetectedModule;
const BOTH = ['linux/amd64', 'linux/arm64'];

describe('the platforms of a build', () => {
  test('are those that images are made for, whichever the engine runs', () => {
    checkPlatforms(BOTH, module, engine);
    checkPlatforms(['linux/arm64'], module, engine);
    checkPlatforms(BOTH, module, { ...engine, platform: 'linux/arm64' });
  });

  test('may be anything that the engine itself runs', () => {
    const classic = { ...engine, builder: 'classic' } as const;
    for (const own of [
      { ...module, ownDockerfile: true },
      { ...module, engine: 'pulumi' },
    ] as const)
      checkPlatforms(['linux/amd64'], own, classic);
  });

  test.each([
    ['no platform', [], {}, {}, 'InvalidInput', 'at least one'],
    ['one twice', ['linux/amd64', 'linux/amd64'], {}, {}, 'InvalidInput', 'once'],
    ['another one', ['linux/riscv64'], {}, {}, 'InvalidInput', 'linux/amd64, linux/arm64'],
    ['an own Dockerfile', BOTH, { ownDockerfile: true }, {}, 'InvalidInput', 'own Dockerfile'],
    ['a Pulumi module', BOTH, { engine: 'pulumi' }, {}, 'InvalidInput', 'dependencies'],
    [
      'an engine without BuildKit',
      BOTH,
      {},
      { builder: 'classic' },
      'InvalidConfiguration',
      'BuildKit',
    ],
  ] as const)('are refused for %s', (_, platforms, own, builder, code, reason) => {
    const check = (): void =>
      checkPlatforms(
        platforms,
        { ...module, ...own } as DetectedModule,
        { ...engine, ...builder } as Engine,
      );
    expect(check).toThrow(
      expect.objectContaining({
        code,
        message: expect.stringContaining(reason) as string,
      }) as Error,
    );
  });
});

test.each([
  ['module:1', 'module:1-arm64'],
  ['registry.example.com:5000/modules/db', 'registry.example.com:5000/modules/db:latest-arm64'],
])('the image of %s for one platform has a tag of its own', (reference, expected) => {
  expect(platformTag(reference, 'linux/arm64')).toBe(expected);
});

describe('the digest behind the tag of several platforms', () => {
  const [first, second, other] = ['1', '2', '3'].map((digit) => `sha256:${digit.repeat(64)}`);

  test('follows from each of them, and not from their order', () => {
    const both = digestOfAll([first!, second!]);
    expect(both).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(digestOfAll([second!, first!])).toBe(both);
    expect(digestOfAll([first!, other!])).not.toBe(both);
    expect(digestOfAll([other!, second!])).not.toBe(both);
    expect([first, second]).not.toContain(both);
  });

  test('of one platform is its own', () => {
    expect(digestOfAll([first!])).toBe(first);
  });
});
