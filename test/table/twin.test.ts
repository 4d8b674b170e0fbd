/** An OpenTofu module and its Pulumi twin: a person who reads the plan sees the same. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { renderPlan } from '../../cli/render/plan.js';
import { createStyle } from '../../cli/render/style.js';
import type { ModuleResponse } from '../../src/contract/response.js';
import type { Engine } from '../../src/docker/engine.js';
import { loadConfig } from '../../src/config.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { outsideProviderMirror } from '../support/outside-provider.js';
import { pulumiModuleImage } from '../support/pulumi-module.js';
import { runOnce } from '../support/run-once.js';
import { testEngine } from '../support/test-engine.js';
import { moduleImages } from './module-image.js';

const abort = new AbortController();
let engine: Engine;
let images: { opentofu: string; pulumi: string };

beforeAll(async () => {
  engine = await testEngine();
  const system = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['opentofu', 'pulumi-yaml'],
    signal: abort.signal,
    report: () => undefined,
  });
  const mirror = await outsideProviderMirror();
  images = {
    opentofu: await moduleImages(
      engine,
      system.opentofu,
      mirror,
      abort.signal,
    )(example('service-settings')),
    pulumi: await pulumiModuleImage(
      engine,
      system['pulumi-yaml'],
      example('pulumi-yaml'),
      abort.signal,
    ),
  };
}, 900_000);
afterAll(() => abort.abort());

function example(name: string): Record<string, string> {
  const folder = join(packageRoot(), 'examples', name);
  return Object.fromEntries(
    readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')]),
  );
}

async function preview(image: string): Promise<ModuleResponse> {
  const { response } = await runOnce(engine, {
    image,
    request: {
      action: 'preview',
      stack_name: 'twin',
      inputs: { service: 'shop', regions: ['north', 'south'], token: 'geheim-0815' },
      secret_inputs: ['token'],
    },
    signal: abort.signal,
  });
  return response;
}

/** The plan as people read it, with one name for both engines' resources and without what only an apply tells. */
async function printed(image: string): Promise<string> {
  const {
    changes = [],
    output_changes: outputChanges = [],
    drift = [],
    ...rest
  } = await preview(image);
  if (rest.summary === undefined) throw new Error(rest.error ?? 'no summary');
  const inputs = changes.map((change) => ({
    ...change,
    type: 'kept',
    resource: `kept.${change.resource.split(/::|\./).at(-1)}`,
    after: { input: (change.after as { input: never }).input },
  }));
  inputs.sort((a, b) => (a.resource < b.resource ? -1 : 1));
  const plan = {
    summary: rest.summary,
    changes: inputs,
    changeCount: changes.length,
    outputChanges: [...outputChanges].sort((a, b) => (a.name < b.name ? -1 : 1)),
    drift,
    checks: [],
    notices: rest.notices ?? [],
  };
  return renderPlan(plan, createStyle(false)).join('\n');
}

test('the printed plans read the same', async () => {
  const [tofu, pulumi] = [await printed(images.opentofu), await printed(images.pulumi)];
  expect(pulumi).toBe(tofu);
  expect(pulumi).toContain('Plan: 2 to add, 0 to change, 0 to destroy');
  expect(pulumi).not.toContain('geheim-0815');
});
