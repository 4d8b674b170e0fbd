import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../src/docker/engine.js';
import { removeRun } from '../../src/docker/inspect-run.js';
import { readModuleDescription } from '../../src/docker/module-description.js';
import { resolveLimits, type ModuleRun } from '../../src/docker/module-run.js';
import { runModule } from '../../src/docker/run-module.js';
import { socketGroupId } from '../../src/docker/socket-group.js';
import { loadConfig } from '../../src/config.js';
import { baseImageReference } from '../../src/setup/base-images.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { scriptedImage } from '../support/scripted-image.js';
import { testEngine, uniqueName } from '../support/test-engine.js';
import { tinyBase } from '../support/tiny-base.js';

let engine: Engine;
let image: string;
let base: string;
const names: string[] = [];

beforeAll(async () => {
  engine = await testEngine();
  image = await scriptedImage(engine);
  await prepareLocalSystem({
    need: ['opentofu'],
    ...setupSettings(loadConfig(process.env)),
    signal: new AbortController().signal,
    report: () => undefined,
  });
  base = baseImageReference('opentofu');
}, 900_000);
afterAll(async () => {
  for (const name of names) await removeRun(engine, name);
});

const socketPath = (): string =>
  engine.host.startsWith('unix://') ? engine.host.slice('unix://'.length) : '/var/run/docker.sock';

async function socketSeenBy(grant: Partial<ModuleRun>): Promise<string> {
  const name = uniqueName('socket');
  names.push(name);
  const lines: string[] = [];
  await runModule(
    engine,
    {
      image,
      name,
      labels: {},
      request: {
        action: 'apply',
        inputs: {
          script: [
            { connect: '/var/run/docker.sock' },
            {
              frame: {
                'output.json': JSON.stringify({ success: true, action: 'apply', outputs: {} }),
              },
            },
          ] as never,
        },
        seal_key: randomBytes(32).toString('base64'),
      },
      files: {},
      workspace: { kind: 'anonymous' },
      limits: resolveLimits({ network: 'none' }),
      stopGraceMs: 5000,
      runTimeoutMs: 30_000,
      ...grant,
    },
    {
      signal: new AbortController().signal,
      onEvent: (event) => void (event.type === 'log' && lines.push(event.message)),
    },
  );
  return lines.join('\n');
}

test('the granted socket can be used by the module’s own user, and only when it is granted', async () => {
  const path = socketPath();
  const groupId = await socketGroupId(engine, path, base);
  expect(groupId).toBeGreaterThanOrEqual(0);
  expect(await socketSeenBy({ dockerSocket: { path, groupId } })).toContain('connected as 10001');
  expect(await socketSeenBy({})).toContain('ENOENT');
});

test('what is no socket is not granted', async () => {
  for (const path of ['/nowhere/docker.sock', '/etc/hostname']) {
    await expect(socketGroupId(engine, path, base)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining(path) as string,
    });
  }
});

test('what an image says about its module, and that one without the entrypoint is no module', async () => {
  expect(await readModuleDescription(engine, image)).toMatchObject({ engine: 'opentofu' });
  await expect(readModuleDescription(engine, await tinyBase(engine))).rejects.toMatchObject({
    code: 'InvalidModule',
    message: expect.stringContaining('/cldctl-entrypoint') as string,
  });
});
