/** An image that was built for another platform than the engine's, run where the engine can: on a machine with an emulator for it. */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type { EntrypointEvent } from '../../src/contract/event.js';
import { stringifyJson } from '../../src/contract/json.js';
import type { ModuleRequest } from '../../src/contract/request.js';
import type { Engine } from '../../src/docker/engine.js';
import { architectures, type Architecture } from '../../src/setup/architecture.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { createBuilder } from '../../src/standalone/builder.js';
import { ensureEmulation } from '../support/emulation.js';
import type { HeldResult } from '../support/held-result.js';
import { outsideProviderMirror } from '../support/outside-provider.js';
import { startOutsideWorld, type OutsideWorld } from '../support/outside-world.js';
import { runOnce } from '../support/run-once.js';
import { testEngine, uniqueName } from '../support/test-engine.js';

const MODULE = `terraform {
  required_providers {
    outside = { source = "cldctl/outside" }
  }
}
variable "secret" {
  type      = string
  sensitive = true
}
resource "terraform_data" "machine" {
  provisioner "local-exec" { command = "echo it runs on $(uname -m)" }
}
resource "outside_thing" "a" {
  name       = "a"
  size       = 9007199254740993
  secret     = var.secret
  depends_on = [terraform_data.machine]
}
output "size" {
  value = outside_thing.a.size
}
`;
/** What the kernel calls the processors. */
const MACHINE: Readonly<Record<Architecture, string>> = { amd64: 'x86_64', arm64: 'aarch64' };
const SECRET = 'a very secret word';
const MINUTES = 60_000;

let engine: Engine;
let other: Architecture;
let folder: string;
let image: string;
let world: OutsideWorld;
/** Why nothing of the other platform can be run here. */
let unable: string | undefined;

beforeAll(async () => {
  engine = await testEngine();
  other = architectures.find((each) => `linux/${each}` !== engine.platform) ?? 'arm64';
  folder = await mkdtemp(join(tmpdir(), 'other-platform-'));
  const part = `opentofu-${other}` as const;
  const { [part]: base } = await prepareLocalSystem({
    need: [part],
    ...setupSettings(loadConfig(process.env)),
    signal: new AbortController().signal,
    report: () => undefined,
  });
  unable = await ensureEmulation(engine, other, base);
  world = await startOutsideWorld();
  if (unable === undefined) image = await build();
  // Not every report of tests gives the reason of what it counts as skipped.
  else console.warn(`nothing for ${other} was run: ${unable}`);
}, 1_200_000);
beforeEach(({ skip }) => {
  if (unable !== undefined) skip(unable);
});
afterAll(async () => {
  await world?.close();
  if (image !== undefined) await engine.docker.getImage(image).remove();
  await rm(folder, { recursive: true, force: true });
});

async function build(): Promise<string> {
  const providerMirror = join(folder, 'mirror');
  for (const architecture of architectures)
    await cp(await outsideProviderMirror(architecture), providerMirror, { recursive: true });
  const moduleDir = join(folder, 'module');
  await mkdir(moduleDir);
  await writeFile(join(moduleDir, 'main.tf'), MODULE);
  const config = { ...loadConfig(process.env), providerMirror };
  const builder = await createBuilder({ engine, config });
  const tag = `cldctl-test/${uniqueName('other-platform')}:1`;
  const built = await builder.build({ moduleDir, tag, platforms: [`linux/${other}`] });
  return built.reference;
}

/** A run on the engine as one that runs images of the other platform. */
function run(
  request: Partial<ModuleRequest> & Pick<ModuleRequest, 'action'>,
  more: {
    files?: Readonly<Record<string, Buffer>>;
    onEvent?: (event: EntrypointEvent) => void;
  } = {},
): Promise<HeldResult> {
  return runOnce(
    { ...engine, platform: `linux/${other}` },
    {
      image,
      request: { environment: world.withoutNetwork.environment, ...request },
      dockerSocket: world.withoutNetwork.dockerSocket,
      signal: new AbortController().signal,
      runTimeoutMs: 5 * MINUTES,
      ...more,
    },
  );
}
const STATE = 'state/state';

test('previews, and applies exactly that', { timeout: 10 * MINUTES }, async () => {
  const given = { inputs: { secret: SECRET }, secret_inputs: ['secret'] };
  const preview = await run({ action: 'preview', state: { path: STATE }, ...given });
  expect(preview.response).toMatchObject({ success: true, summary: { create: 2 } });
  expect(world.things()).toEqual([]);

  const events: EntrypointEvent[] = [];
  const applied = await run(
    {
      action: 'apply',
      state: { path: STATE, fingerprint: null },
      plan: { path: 'plan/plan', digest: preview.response.plan?.digest ?? '' },
      ...given,
    },
    { files: { 'plan/plan': preview.files.plan! }, onEvent: (event) => events.push(event) },
  );
  expect(applied.response).toMatchObject({
    success: true,
    approved: true,
    receipt: { done: 2 },
  });
  expect(applied.collectedBy).toBe('frame');
  expect(stringifyJson(applied.response.outputs)).toContain('9007199254740993');
  expect(world.thing('a')?.properties).toMatchObject({ secret: SECRET });
  const said = JSON.stringify(events);
  expect(said).toContain(`it runs on ${MACHINE[other]}`);
  expect(said + JSON.stringify(applied.response)).not.toContain(SECRET);
  expect(applied.files.state?.toString()).toContain('"serial": 1');
});
