import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig, type Config } from '../../src/config.js';
import { connectEngine, type Engine } from '../../src/docker/engine.js';
import { dockerEnvironment } from '../../src/setup/setup-settings.js';
import { createPluginRegistry } from '../../src/standalone/index.js';
import { createBuilder, type Builder } from '../../src/standalone/builder.js';
import { createExecutor, type Executor } from '../../src/standalone/executor.js';

const GREETING = `
variable "name" {
  type = string
}
resource "terraform_data" "greeting" {
  input = "hello \${var.name}"
}
output "greeting" {
  value = terraform_data.greeting.output
}
`;

let folder: string;
let config: Config;
let engine: Engine;
let builder: Builder;
let executor: Executor;
const built = new Set<string>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'standalone-'));
  config = loadConfig({ ...process.env, CLDCTL_STORE: pathToFileURL(join(folder, 'store')).href });
  engine = await connectEngine({ environment: dockerEnvironment(config) });
  builder = await createBuilder({ engine, config });
  executor = await createExecutor({ engine, config });
}, 600_000);
afterAll(async () => {
  await executor.close();
  await builder.close();
  for (const reference of built)
    await engine.docker
      .getImage(reference)
      .remove()
      .catch(() => undefined);
  await rm(folder, { recursive: true, force: true });
});

async function moduleDirectory(files: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(folder, 'module-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  return directory;
}
async function build(moduleDir: string, more: { noCache?: boolean; tag?: string } = {}) {
  const result = await builder.build({ moduleDir, ...more });
  built.add(result.reference);
  return result;
}

describe('builder', () => {
  test('unchanged sources build nothing, a changed file builds anew', async () => {
    const directory = await moduleDirectory({ 'main.tf': `${GREETING}\n# ${folder}` });
    const first = await build(directory);
    expect(first).toMatchObject({
      cached: false,
      engine: 'opentofu',
      description: {
        variables: { name: { required: true } },
        outputs: { greeting: expect.anything() as unknown },
      },
    });
    expect(first.reference).toMatch(/^cldctl-module\/[a-z0-9-]+:[0-9a-f]{12}$/);
    expect(await build(directory)).toMatchObject({ cached: true, imageId: first.imageId });
    await writeFile(join(directory, 'more.txt'), 'more');
    const changed = await build(directory);
    expect(changed.cached).toBe(false);
    expect(changed.imageId).not.toBe(first.imageId);
  });

  test('a file that goes into no image changes nothing', async () => {
    const directory = await moduleDirectory({ 'main.tf': `${GREETING}\n# quiet ${folder}` });
    const first = await build(directory);
    await mkdir(join(directory, '.git'));
    await writeFile(join(directory, '.git', 'HEAD'), 'x');
    await writeFile(join(directory, 'terraform.tfstate'), '{}');
    const again = await build(directory);
    expect(again).toMatchObject({ cached: true, imageId: first.imageId });
    expect(again.notices.join()).toContain('terraform.tfstate');
  });

  test('the classic builder takes the same Dockerfile', async () => {
    const classic = await createBuilder({ engine: { ...engine, builder: 'classic' }, config });
    const moduleDir = await moduleDirectory({ 'main.tf': `${GREETING}\n# classic ${folder}` });
    const result = await classic.build({ moduleDir });
    built.add(result.reference);
    expect(result).toMatchObject({ cached: false, engine: 'opentofu' });
  });

  test('a broken module is told with file and line', async () => {
    const directory = await moduleDirectory({ 'main.tf': 'resource "terraform_data" {\n' });
    await expect(build(directory)).rejects.toMatchObject({
      code: 'BuildFailed',
      detail: { logTail: expect.stringMatching(/main\.tf[^]*line 1/) as string },
    });
  });
});

describe('executor', () => {
  test('previews, applies and destroys, and keeps state under the stack name', async () => {
    const { reference: image } = await build(await moduleDirectory({ 'main.tf': GREETING }));
    const request = { stack_name: `s${basename(folder)}`.toLowerCase(), inputs: { name: 'you' } };
    const limits = { network: 'none' as const };
    const preview = await executor.execute({
      image,
      request: { ...request, action: 'preview' },
      limits,
    });
    expect(preview.summary).toMatchObject({ create: 1 });
    const applied = await executor.execute({
      image,
      request: { ...request, action: 'apply' },
      limits,
    });
    expect(applied).toMatchObject({
      success: true,
      approved: false,
      outputs: { greeting: { value: 'hello you' } },
    });
    const again = await executor.execute({
      image,
      request: { ...request, action: 'preview' },
      limits,
    });
    expect(again.summary).toMatchObject({ create: 0, update: 0 });
    const destroyed = await executor.execute({
      image,
      request: { ...request, action: 'destroy' },
      limits,
    });
    expect(destroyed).toMatchObject({ success: true, summary: { delete: 1 } });
  });

  test('more changes than fit into an answer are all in it', async () => {
    const { reference: image } = await build(
      await moduleDirectory({
        'main.tf': 'resource "terraform_data" "many" {\n  count = 230\n}\n',
      }),
    );
    const preview = await executor.execute({
      image,
      request: { action: 'preview', stack_name: `m${basename(folder)}`.toLowerCase() },
      limits: { network: 'none' },
    });
    expect(preview.changes).toHaveLength(230);
    expect(preview).not.toHaveProperty('changes_file');
  });

  test('state of a run that is killed is kept', async () => {
    const directory = await moduleDirectory({
      'main.tf': `
resource "terraform_data" "first" {}
resource "terraform_data" "slow" {
  depends_on = [terraform_data.first]
  provisioner "local-exec" {
    command = "echo dawdling; sleep 60"
  }
}
`,
    });
    const { reference: image } = await build(directory);
    const request = { stack_name: `k${basename(folder)}`.toLowerCase() };
    const running = executor.execute({
      image,
      request: { ...request, action: 'apply' },
      limits: { network: 'none' },
      onLog: (line) => {
        if (!line.includes('dawdling')) return;
        void engine.docker
          .listContainers({ filters: { label: [`dev.cldctl.stack-id=${request.stack_name}`] } })
          .then(([found]) => engine.docker.getContainer(found?.Id ?? '').kill());
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'ContainerLost' });
    const after = await executor.execute({
      image,
      request: { ...request, action: 'preview' },
      limits: { network: 'none' },
    });
    expect(after.success).toBe(true);
    expect(after.summary?.create).toBeLessThanOrEqual(2);
  });

  test("an image by the module's own Dockerfile with the entrypoint copied in runs too", async () => {
    const base = (await import('../../src/setup/base-images.js')).baseImageReference('opentofu');
    const directory = await moduleDirectory({
      'main.tf': GREETING,
      // What the seed's form looks like: no contract label, root, another working directory.
      Dockerfile: [
        `FROM ${base} AS tool`,
        `FROM cldctl-entrypoint AS entrypoint`,
        `FROM ${base}`,
        'USER root',
        'WORKDIR /app',
        'COPY . .',
        'RUN tofu init -backend=false',
        'COPY --from=entrypoint /cldctl-entrypoint /cldctl-entrypoint',
        'ENTRYPOINT ["/cldctl-entrypoint"]',
      ].join('\n'),
    });
    const { reference: image } = await build(directory);
    const answer = await executor.execute({
      image,
      request: {
        action: 'apply',
        stack_name: `d${basename(folder)}`.toLowerCase(),
        inputs: { name: 'own' },
      },
      limits: { network: 'none' },
    });
    expect(answer).toMatchObject({ success: true, outputs: { greeting: { value: 'hello own' } } });
  });

  test('a request that is none is refused before anything starts', async () => {
    const failing = executor.execute({
      image: 'cldctl-test/nowhere:1',
      request: { action: 'aply' } as never,
    });
    await expect(failing).rejects.toMatchObject({ code: 'InvalidInput' });
  });
});

test('the plugin registry gives the container plugin and names what there is', async () => {
  const registry = createPluginRegistry({ engine, config });
  const { reference } = await build(await moduleDirectory({ 'main.tf': GREETING }));
  const answer = await registry.get('container').preview({
    moduleSource: reference,
    inputs: { name: 'plugin' },
    stack_name: `p${basename(folder)}`.toLowerCase(),
    limits: { network: 'none' },
  });
  expect(answer).toMatchObject({ success: true, action: 'preview' });
  expect(() => registry.get('terraform')).toThrow(/container/);
});
