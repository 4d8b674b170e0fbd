/** Stacks of every Pulumi runtime through the worker: the same words, decisions and records as an OpenTofu stack, without a network. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { runtimeSchema, type Runtime } from '../../src/contract/module-schema.js';
import type { OperationInput, OperationResult } from '../../src/contract/operation.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { createLocalSystem, uniqueStack, type LocalSystem } from '../support/local-system.js';
import { pulumiModuleImage } from '../support/pulumi-module.js';

const SECRET = 'pulumi-horse-battery-staple';

let system: LocalSystem;
let images: Record<Runtime, string>;

beforeAll(async () => {
  const signal = new AbortController().signal;
  system = await createLocalSystem({
    env: { CLDCTL_SECRETS_ENV: 'SERVICE_TOKEN', SERVICE_TOKEN: SECRET },
  });
  const bases = await prepareLocalSystem({
    need: ['pulumi-yaml', 'pulumi-nodejs', 'pulumi-python', 'pulumi-go'],
    ...setupSettings(loadConfig(process.env)),
    signal,
    report: () => undefined,
  });
  const image = (runtime: Runtime): Promise<string> => {
    const folder = join(packageRoot(), 'examples', `pulumi-${runtime}`);
    const files = Object.fromEntries(
      readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]),
    );
    return pulumiModuleImage(system.engine, bases[`pulumi-${runtime}`], files, signal);
  };
  const [yaml, nodejs, python, go] = await Promise.all([
    image('yaml'),
    image('nodejs'),
    image('python'),
    image('go'),
  ]);
  images = { yaml, nodejs, python, go };
  await system.startWorker();
}, 900_000);
afterAll(() => system.close());

describe.each(runtimeSchema.options)('a stack of runtime %s', (runtime) => {
  const stackId = uniqueStack(`pulumi-${runtime}`);

  function operation(more: Partial<OperationInput> = {}): OperationInput {
    return {
      stackId,
      operation: 'apply',
      module: { image: images[runtime] },
      inputs: { service: 'shop', token: { $secret: 'SERVICE_TOKEN' } },
      limits: { network: 'none' },
      requestedBy: 'test',
      ...more,
    };
  }

  async function approved(input: OperationInput): Promise<OperationResult> {
    const started = await system.client.startAndWaitPlan(input);
    await system.client.approve(started, { planDigest: started.ready.planDigest ?? '', by: 'ann' });
    return system.client.result(started);
  }

  test('is made by exactly the plan that was approved; its secret is in no result', async () => {
    const result = await approved(operation());
    expect(result).toMatchObject({
      outcome: 'succeeded',
      summary: { create: 2, delete: 0 },
      receipt: { done: 2, failed: 0, not_reached: 0, unapproved: 0 },
      outputs: { endpoint: { value: 'https://shop.example.com' }, token: { sensitive: true } },
    });
    expect(JSON.stringify(result)).not.toContain(SECRET);
  });

  test('has nothing to do when it is applied again', async () => {
    const started = await system.client.start(
      operation({ approval: { mode: 'on-changes', expiresIn: '1h' } }),
    );
    expect((await system.client.result(started)).outcome).toBe('no-changes');
  });

  test('is updated, known by its record, and destroyed', async () => {
    const inputs = { service: 'store', token: { $secret: 'SERVICE_TOKEN' } };
    expect(await approved(operation({ inputs }))).toMatchObject({
      outcome: 'succeeded',
      summary: { create: 0, update: 1 },
      receipt: { done: 1 },
      outputs: { endpoint: { value: 'https://store.example.com' } },
    });
    expect(await system.client.stack(stackId)).toMatchObject({
      engine: 'pulumi',
      outputs: { endpoint: { value: 'https://store.example.com' } },
    });
    expect(await approved(operation({ operation: 'destroy', inputs }))).toMatchObject({
      outcome: 'succeeded',
      summary: { delete: 2 },
      receipt: { done: 2 },
    });
  });
});
