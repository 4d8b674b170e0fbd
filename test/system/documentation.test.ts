/** README and docs as somebody follows them: every command and snippet runs as it stands there, page by page, against one local system. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { parseJson } from '../../src/contract/json.js';
import { decisionSchema, operationInputSchema } from '../../src/contract/operation.js';
import { loadWebhooks } from '../../src/notifications/webhooks.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { startRegistry, type LocalRegistry } from '../../src/setup/registry.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { codeBlocks, commandLines } from '../support/code-blocks.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';
import { ARROW_UP, ENTER, onTerminal } from '../support/terminal-session.js';

/** Pages that are written from the code; what they show is held elsewhere. */
const GENERATED = ['command.md', 'contract.md', 'run-life.md'];
/** What is shown and not typed. */
const SHOWN = ['text', 'mermaid'];
const DIGEST = '5d1c2e3f4a5b6c7d';
/** Stacks that the pages suppose. */
const STACKS = ['shop-eu', 'shop-us', 'billing'];
const MODULE = `
variable "name" {
  default = "nobody"
}
variable "version_" {
  default = "16"
}
variable "password" {
  default   = "none"
  sensitive = true
}
resource "terraform_data" "a" { input = "\${var.name} \${var.version_}" }
output "name" { value = terraform_data.a.output }
`;
const pages = [
  'README.md',
  ...readdirSync(join(packageRoot(), 'docs'))
    .filter((name) => name.endsWith('.md') && !GENERATED.includes(name))
    .map((name) => `docs/${name}`),
];

let system: LocalSystem;
let registry: LocalRegistry;
let folder: string;
let image: string;
let postgres: string;
let debian: string;
const stacks: string[] = [];
const abort = new AbortController();

beforeAll(async () => {
  const parts = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: [
      ...(['temporal', 'tofu', 'postgresql', 'registry', 'provider-docker'] as const),
      ...(['postgres-image', 'debian-part', 'pulumi-nodejs'] as const),
    ],
    signal: abort.signal,
    report: () => undefined,
  });
  const mirror = parts['provider-docker'].directory;
  postgres = parts['postgres-image'].reference;
  debian = parts['debian-part'];
  registry = await startRegistry({ program: parts.registry });
  folder = await mkdtemp(join(tmpdir(), 'documentation-'));
  await mkdir(join(folder, 'secrets'));
  await writeFile(join(folder, 'secrets/my-db-password'), 'geheim-0815');
  system = await createLocalSystem({
    env: {
      CLDCTL_MODULES_ROOT: join(packageRoot(), 'examples'),
      CLDCTL_DOCKER_SOCKET_GRANT: '/var/run/docker.sock',
      ...(mirror === undefined ? {} : { CLDCTL_PROVIDER_MIRROR: mirror }),
      CLDCTL_SECRETS_DIR: join(folder, 'secrets'),
    },
  });
  await system.startWorker();
  image = await tofuModule(system.engine, MODULE);
  await fillFolder(parts);
}, 900_000);
afterAll(async () => {
  abort.abort();
  await system.close();
  await removeMade();
  await registry.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The directory that people are in: commands on the path, examples, and modules of the names that the pages use. */
async function fillFolder(parts: { temporal: string; tofu: string; postgresql: string }) {
  const root = packageRoot();
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const program = `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'dist/command/main.js')}' "$@"\n`;
  await writeFile(join(bin, 'cldctl-iac'), program, { mode: 0o755 });
  await symlink(parts.temporal, join(bin, 'temporal'));
  await symlink(parts.tofu, join(bin, 'tofu'));
  await symlink(join(parts.postgresql, 'psql'), join(bin, 'psql'));
  await symlink(join(root, 'examples'), join(folder, 'examples'));
  for (const name of ['my-db', 'my-module', 'modules/postgres']) {
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, 'main.tf'), MODULE);
  }
  await mkdir(join(folder, 'my-module/tools'));
  await writeFile(join(folder, 'my-module/tools/lookup'), '#!/bin/sh\necho found\n', {
    mode: 0o755,
  });
  await mkdir(join(folder, 'node_modules'));
  await symlink(root, join(folder, 'node_modules/cldctl-iac'));
  await symlink(join(root, 'node_modules/@temporalio'), join(folder, 'node_modules/@temporalio'));
  await symlink(join(root, 'node_modules/@types'), join(folder, 'node_modules/@types'));
}

/** What the commands of the pages made on the engine; containers and volumes only of pages that were not followed to their end. */
async function removeMade(): Promise<void> {
  const { docker } = system.engine;
  const ignore = () => undefined;
  const built = ['my-module:1', 'pulumi-module:1', 'postgres:1'];
  for (const name of [...built, `${registry.address}/modules/postgres:v1.0.0`])
    await docker.getImage(name).remove().catch(ignore);
  for (const stack of stacks) {
    await docker.getContainer(stack).remove({ force: true }).catch(ignore);
    await docker.getVolume(`${stack}-data`).remove().catch(ignore);
  }
}

function ownStack(): string {
  const stack = uniqueStack('docs');
  stacks.push(stack);
  return stack;
}

/** One page, followed from top to bottom. */
class Reader {
  #stack = ownStack();
  readonly #running: Promise<void>[] = [];
  readonly #programs: string[] = [];
  constructor(readonly page: string) {}

  /** What the page says, about our stacks, images and addresses. */
  #ours(text: string): string {
    const replaced: [string, string][] = [
      ['--input version=16', `--input image=${postgres}`],
      ['registry.example.com/modules/postgres:1.0.0', image],
      ['myregistry.io', registry.address],
      ['localhost:7233', system.address],
      ['Connection.connect()', `Connection.connect({ address: '${system.address}' })`],
      ['debian:bookworm-slim', debian],
      ['IMAGE', image],
      ['/safe/place/', `${folder}/${this.#stack}-`],
      ['my-db.tfstate', `${this.#stack}.tfstate`],
      ...[...STACKS, 'prod-api-database'].map((name): [string, string] => [
        name,
        `${this.#stack}-${name}`,
      ]),
      ['order-4711', this.#stack],
    ];
    let ours = text;
    for (const [from, to] of replaced) ours = ours.replaceAll(from, to);
    // The name of a stack, not that of the directory or of the secret beside it.
    return ours.replace(/(?<![./\w-])my-db(?![\w-])/g, this.#stack);
  }

  async follow(): Promise<void> {
    const blocks = codeBlocks(this.page);
    const commands = blocks.map(({ language, code, runBy }) =>
      language === 'sh' && runBy === undefined ? commandLines(code) : [],
    );
    if (this.page === 'docs/schedules.md')
      for (const name of STACKS) await this.#apply(`${this.#stack}-${name}`);
    if (this.page === 'docs/state.md')
      for (let i = 0; i < 3; i += 1) await this.#apply(this.#stack);
    for (const [index, { language, code, runBy }] of blocks.entries()) {
      if (SHOWN.includes(language)) continue;
      if (runBy !== undefined) {
        expect(existsSync(join(packageRoot(), runBy)), runBy).toBe(true);
        continue;
      }
      if (language === 'ts') this.#programs.push(code);
      else if (language !== 'sh') await this.#read(language, code);
      const lines = commands[index] ?? [];
      for (const [place, line] of lines.entries())
        await this.#type(line, [...lines.slice(place + 1), ...commands.slice(index + 1).flat()]);
    }
    if (this.#programs.length > 0) await this.#runProgram(this.#programs.join('\n'));
    await Promise.all(this.#running);
  }

  async #read(language: string, code: string): Promise<void> {
    if (language === 'json') {
      const given = parseJson(code) as Record<string, unknown>;
      const input = { stackId: 'x', operation: 'apply', module: { image: 'x' }, ...given };
      if ('decision' in given) decisionSchema.parse(given);
      else operationInputSchema.parse(input);
    } else if (language === 'yaml' && code.startsWith('webhooks:')) {
      const file = join(folder, 'webhooks.yaml');
      await writeFile(file, code);
      expect((await loadWebhooks(file)).length).toBeGreaterThan(0);
    } else if (language === 'yaml') {
      await writeFile(join(folder, 'schedules.yaml'), this.#ours(code));
    } else if (language === 'dockerfile') {
      await this.#build(this.#ours(code));
    } else throw new Error(`${this.page}: nobody runs a block of ${language}`);
  }

  /** A module with that Dockerfile gives an image that plans. */
  async #build(dockerfile: string): Promise<void> {
    const module = dockerfile.includes('pulumi-nodejs') ? 'pulumi-module' : 'my-module';
    if (module === 'pulumi-module')
      await cp(join(packageRoot(), 'examples/pulumi-nodejs'), join(folder, module), {
        recursive: true,
      });
    const trusted = certificates()['NODE_EXTRA_CA_CERTS'];
    if (trusted !== undefined) await copyFile(trusted, join(folder, module, 'trusted.pem'));
    const trusting = 'USER 0:0\nCOPY trusted.pem /tmp/\nENV NODE_EXTRA_CA_CERTS=/tmp/trusted.pem';
    await writeFile(
      join(folder, module, 'Dockerfile'),
      trusted === undefined ? dockerfile : dockerfile.replace('USER 0:0', trusting),
    );
    await this.#shell(`cldctl-iac build ${module} --tag ${module}:1`);
    const inputs = module === 'my-module' ? '{"name": "x"}' : '{"service": "x", "token": "t"}';
    const request = `{"action": "preview", "inputs": ${inputs}, "stack_name": "${this.#stack}"}`;
    const answer = await this.#shell(
      `echo '${request}' | cldctl-iac exec ${module}:1 --request - --json`,
    );
    expect(parseJson(answer)).toMatchObject({ success: true });
  }

  async #type(line: string, later: readonly string[]): Promise<void> {
    // The system has a worker already.
    if (line.startsWith('cldctl-iac worker')) return;
    if (line.includes('--file terraform.tfstate')) {
      // A stack that lived elsewhere so far.
      this.#stack = ownStack();
      const outside =
        'cd my-db && tofu init && tofu apply -auto-approve && mv terraform.tfstate ..';
      await this.#shell(outside);
    }
    const subject = /--workflow-id stack:(\S+)|(?:approve|reject|apply) +(\S+)/.exec(
      this.#ours(line),
    );
    const stackId = subject?.[1] ?? subject?.[2] ?? this.#stack;
    const decides = line.includes(DIGEST) || /^cldctl-iac approve \S+$/.test(line);
    if (decides && (await this.#waiting(stackId)) === undefined) await this.#start(stackId);
    if (/^cldctl-iac approve \S+$/.test(line)) {
      const asked = await onTerminal(
        this.#ours(line).split(' ').slice(1),
        /approve plan ([0-9a-f]{16})\?/,
        `${ARROW_UP}${ARROW_UP}${ENTER}`,
        { env: system.env, cwd: folder },
      );
      expect(asked.exitCode, asked.screen).toBe(0);
      return;
    }
    const digest = decides ? ((await this.#waiting(stackId)) ?? '') : '';
    const done = this.#shell(this.#ours(line).replaceAll(DIGEST, digest)).then(() => undefined);
    if (decides) {
      await done;
      // What was decided about goes on; people look at it when it is through.
      await Promise.all(this.#running);
      return;
    }
    if (!/^cldctl-iac (apply|destroy|refresh) (?!.*--plan)/.test(line)) return done;
    const waits = await Promise.race([done, this.#untilWaiting(stackId)]);
    if (waits === undefined) return;
    // Somebody approves it: the page, further down, or we.
    if (later.some((line) => line.includes(DIGEST))) this.#running.push(done);
    else {
      await system.client.approve(stackId, { planDigest: waits, by: 'ada' });
      await done;
    }
  }

  async #apply(stackId: string): Promise<void> {
    await system.client.result(
      await system.client.start({
        stackId,
        operation: 'apply',
        module: { image: image },
        inputs: { name: uniqueStack('name') },
        approval: { mode: 'auto', expiresIn: '1h' },
        requestedBy: 'ada',
      }),
    );
  }

  async #start(stackId: string): Promise<void> {
    // One at a time: the operation that was decided before ends first.
    await system.client.result(stackId).catch(() => undefined);
    await system.client.startAndWaitPlan({
      stackId,
      operation: 'apply',
      module: { image: image },
      inputs: { name: uniqueStack('name') },
      requestedBy: 'ada',
    });
  }

  async #waiting(stackId: string): Promise<string | undefined> {
    try {
      const { phase, planDigest } = await system.client.state(stackId);
      return phase === 'awaiting-approval'
        ? planDigest?.replace('sha256:', '').slice(0, 16)
        : undefined;
    } catch {
      return undefined;
    }
  }

  async #untilWaiting(stackId: string): Promise<string> {
    let digest: string | undefined;
    const look = async () => (digest = await this.#waiting(stackId)) !== undefined;
    await expect.poll(look, { timeout: 120_000, interval: 200 }).toBe(true);
    return digest as unknown as string;
  }

  #shell(line: string): Promise<string> {
    return this.#command('bash', ['-euo', 'pipefail', '-c', line], line);
  }

  #command(command: string, argv: readonly string[], shown: string): Promise<string> {
    const child = spawn(command, argv, {
      cwd: folder,
      env: {
        ...system.env,
        PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
        HOME: process.env['HOME'],
        ...certificates(),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exitCode) => {
        if (exitCode === 0) resolve(stdout);
        else reject(new Error(`${this.page}: ${shown}\nexit code ${exitCode}\n${stderr}${stdout}`));
      });
    });
  }

  async #runProgram(code: string): Promise<void> {
    const needsClient = code.includes('client.') && !code.includes('new IacClient');
    const opening = `import { Connection } from '@temporalio/client';
import { IacClient } from 'cldctl-iac/client';
const client = new IacClient({ connection: await Connection.connect() });
`;
    const closing = '\nprocess.exit();\n';
    const file = join(folder, `${this.#stack}.mts`);
    const program = this.#ours(`${needsClient ? opening : ''}${code}`) + closing;
    await writeFile(file, program);
    const options: ts.CompilerOptions = {
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ES2023,
      strict: true,
      skipLibCheck: true,
      types: ['node'],
      typeRoots: [join(folder, 'node_modules/@types')],
    };
    const compiled = ts.createProgram([file], options);
    const complaints = ts
      .getPreEmitDiagnostics(compiled)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
    expect(complaints, program).toEqual([]);
    compiled.emit();
    const done = this.#command(process.execPath, [file.replace('.mts', '.mjs')], program);
    if (code.includes('client.result(') && !code.includes('client.approve(')) {
      // A person approves what the program waits for.
      const waits = await Promise.race([done, this.#untilWaiting(this.#stack)]);
      if (/^[0-9a-f]{16}$/.test(waits))
        await system.client.approve(this.#stack, { planDigest: waits, by: 'ada' });
    }
    await done;
  }
}

/** What this machine's package managers trust besides the public certificates. */
function certificates(): Record<string, string> {
  const { NODE_EXTRA_CA_CERTS: file = '' } = process.env;
  return file === '' ? {} : { NODE_EXTRA_CA_CERTS: file };
}

test.each(pages)(
  '%s',
  async (page) => {
    await new Reader(page).follow();
  },
  300_000,
);
