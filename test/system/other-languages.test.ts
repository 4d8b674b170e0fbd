/** What the documentation shows for other languages, run as it stands there: Temporal's command, and Python's client. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';
import { pulumiModuleImage } from '../support/pulumi-module.js';

const MODULE = `
variable "name" {
  type    = string
  default = "nobody"
}
resource "terraform_data" "a" { input = var.name }
output "name" { value = terraform_data.a.output }
`;
const SHOWN_IMAGE = 'registry.example.com/modules/postgres:1.0.0';

const page = readFileSync(join(packageRoot(), 'docs/client.md'), 'utf8');
const abort = new AbortController();
let system: LocalSystem;
let image: string;
let temporal: string;
let folder: string;
let python: string;

beforeAll(async () => {
  system = await createLocalSystem();
  image = await tofuModule(system.engine, MODULE);
  ({ temporal } = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['temporal'],
    signal: abort.signal,
    report: () => undefined,
  }));
  const bases = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['pulumi-python'],
    signal: abort.signal,
    report: () => undefined,
  });
  // A place with Python and the client in it; nothing of it is run as a module.
  python = await pulumiModuleImage(
    system.engine,
    bases['pulumi-python'],
    {
      'Pulumi.yaml': 'name: python\nruntime: python\n',
      '__main__.py': '',
      'requirements.txt': 'pulumi==3.259.0\ntemporalio==1.18.0\n',
    },
    abort.signal,
  );
  folder = await mkdtemp(join(tmpdir(), 'languages-'));
  await symlink(temporal, join(folder, 'temporal'));
  await system.startWorker();
}, 900_000);
afterAll(async () => {
  abort.abort();
  await system.close();
  await rm(folder, { recursive: true, force: true });
});

/** The code block below a heading, about our stack and image. */
function example(language: string, heading: string, stackId: string): string {
  const section = page.slice(page.indexOf(`## ${heading}`));
  const [, code = ''] = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(section) ?? [];
  expect(code, `the page has ${language} below "${heading}"`).toContain('stackOperation');
  return code.replaceAll(SHOWN_IMAGE, image).replaceAll('my-db', stackId);
}

test("Temporal's command starts, shows, approves and gives the result", async () => {
  const stackId = uniqueStack('command');
  const commands = example('sh', "Temporal's command", stackId)
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.startsWith('temporal '));
  const [start = '', query = '', decide = '', result = ''] = commands;
  expect(commands).toHaveLength(4);
  const run = async (line: string): Promise<string> => {
    const { stdout } = await promisify(execFile)('sh', ['-c', line], {
      env: {
        PATH: `${folder}:${process.env['PATH'] ?? ''}`,
        HOME: folder,
        TEMPORAL_ADDRESS: system.address,
      },
    });
    return stdout;
  };
  await run(start);
  const digest = async (): Promise<string | undefined> => {
    const { phase, planDigest } = await system.client.state(stackId);
    return phase === 'awaiting-approval' ? planDigest : undefined;
  };
  await expect.poll(digest, { timeout: 60_000 }).toBeDefined();
  expect(await run(query)).toContain('terraform_data.a');
  const short = (await digest())?.replace('sha256:', '').slice(0, 16) ?? '';
  expect(await run(decide.replace('5d1c2e3f4a5b6c7d', short))).toContain('approve');
  expect(await run(result)).toContain('succeeded');
  expect((await system.client.outputs(stackId))['name']).toEqual({ value: stackId });
});

test("Python's client does", async () => {
  const stackId = uniqueStack('python');
  const program = example('python', 'Any other language', stackId).replace(
    'localhost:7233',
    system.address,
  );
  const { docker } = system.engine;
  const container = await docker.createContainer({
    Image: python,
    Entrypoint: ['/opt/cldctl/venv/bin/python', '-c', program],
    HostConfig: { NetworkMode: 'host' },
  });
  try {
    await container.start();
    const { StatusCode: exitCode } = (await container.wait()) as { StatusCode: number };
    const log = (await container.logs({ stdout: true, stderr: true })).toString('utf8');
    expect(exitCode, log).toBe(0);
    expect(log).toContain('succeeded');
  } finally {
    await container.remove({ force: true, v: true });
  }
  expect((await system.client.stack(stackId)).operations.at(-1)).toMatchObject({
    outcome: 'succeeded',
  });
});
