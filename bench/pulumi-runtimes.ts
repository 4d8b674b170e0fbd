/**
 * `node dist/bench/pulumi-runtimes.js [--rounds 7]`: per Pulumi runtime the image's size, and preview and apply through the entrypoint
 * beside the same commands run bare in the same image, in turn.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadConfig } from '../src/config.js';
import { digestContent } from '../src/content.js';
import { runtimeSchema, type Runtime } from '../src/contract/module-schema.js';
import type { ModuleRequest } from '../src/contract/request.js';
import { connectEngine, type Engine } from '../src/docker/engine.js';
import { removeRun } from '../src/docker/inspect-run.js';
import { resolveLimits, type ModuleRun, type ModuleRunResult } from '../src/docker/module-run.js';
import { runModule } from '../src/docker/run-module.js';
import { asCodedError, CodedError } from '../src/errors.js';
import { dockerEnvironment, setupSettings } from '../src/setup/setup-settings.js';
import { prepareLocalSystem } from '../src/setup/prepare-local-system.js';
import { createBuilder } from '../src/standalone/builder.js';
import { statistics } from './statistics.js';

const INPUTS = { service: 'shop', token: 'geheim' };
const STACK = '--stack organization/service-settings/bench --non-interactive --color never';
/** Not in the time: the stack, and its configuration with the secret in it. */
const BARE_SETUP = [
  'mkdir -p /workspace/state /workspace/stack',
  // The stack's own directory can be written; the program's can't.
  `printf 'name: service-settings\\nruntime: yaml\\n' >/workspace/stack/Pulumi.yaml`,
  'cd /workspace/stack',
  `pulumi stack init --no-select ${STACK}`,
  `pulumi config set service ${INPUTS.service} ${STACK}`,
  `pulumi config set --secret token ${INPUTS.token} ${STACK}`,
].join(' && ');
const CONFIG = '--config-file /workspace/stack/Pulumi.bench.yaml';
const BARE_PREVIEW = `pulumi preview --json --save-plan /workspace/plan --suppress-progress ${STACK} ${CONFIG} >/workspace/preview`;
const BARE_APPLY = `pulumi up --yes --skip-preview --json --plan /workspace/plan --suppress-progress ${STACK} ${CONFIG} >/workspace/apply && pulumi stack output --json --show-secrets ${STACK} >/workspace/outputs`;

interface Measured {
  readonly barePreview: number[];
  readonly bareApply: number[];
  readonly preview: number[];
  readonly apply: number[];
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '7' } } });
  const settings = loadConfig(process.env);
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort(new Error('stopped')));
  await prepareLocalSystem({
    need: ['engine', 'pulumi-nodejs', 'pulumi-python', 'pulumi-go', 'pulumi-yaml'],
    ...setupSettings(settings),
    signal: abort.signal,
    report: () => undefined,
  });
  const engine = await connectEngine({ environment: dockerEnvironment(settings) });
  print('runtime', ['image MB', 'own MB', 'preview', 'bare', 'ratio', 'apply', 'bare', 'ratio']);
  for (const runtime of runtimeSchema.options) {
    const image = await buildExample(runtime, abort.signal);
    const measured: Measured = { barePreview: [], bareApply: [], preview: [], apply: [] };
    // The first round fills caches.
    for (let round = 0; round <= Number(values.rounds); round += 1) {
      abort.signal.throwIfAborted();
      await bareRound(image, measured);
      await entrypointRound(engine, image, measured, abort.signal);
      if (round === 0) for (const series of Object.values(measured)) series.length = 0;
    }
    const { size, own } = await sizesOf(engine, image);
    const median = (series: number[]): number => statistics(series).median;
    const pair = (ours: number[], bare: number[]): string[] => [
      median(ours).toFixed(0),
      median(bare).toFixed(0),
      (median(ours) / median(bare)).toFixed(2),
    ];
    print(runtime, [
      (size / 1e6).toFixed(0),
      (own / 1e6).toFixed(0),
      ...pair(measured.preview, measured.barePreview),
      ...pair(measured.apply, measured.bareApply),
    ]);
  }
  process.stdout.write(`medians of ${values.rounds} rounds, milliseconds, container included\n`);
}

async function buildExample(runtime: Runtime, signal: AbortSignal): Promise<string> {
  const moduleDir = fileURLToPath(new URL(`../../examples/pulumi-${runtime}`, import.meta.url));
  const builder = await createBuilder();
  try {
    return (await builder.build({ moduleDir, signal })).reference;
  } finally {
    await builder.close();
  }
}

async function bareRound(image: string, measured: Measured): Promise<void> {
  const volume = `cldctl-bench-${randomBytes(4).toString('hex')}`;
  const sh = (script: string): Promise<number> =>
    docker([
      ...[
        'run',
        '--rm',
        '--network',
        'none',
        '-v',
        `${volume}:/workspace`,
        '-e',
        'HOME=/workspace',
      ],
      ...['-e', 'PULUMI_BACKEND_URL=file:///workspace/state', '-e', 'PULUMI_CONFIG_PASSPHRASE=p'],
      ...['-e', 'PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true'],
      ...['-e', 'PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true'],
      ...['--entrypoint', 'sh', image, '-ec', script],
    ]);
  try {
    await sh(BARE_SETUP);
    measured.barePreview.push(await sh(BARE_PREVIEW));
    measured.bareApply.push(await sh(BARE_APPLY));
  } finally {
    await docker(['volume', 'rm', volume]);
  }
}

async function entrypointRound(
  engine: Engine,
  image: string,
  measured: Measured,
  signal: AbortSignal,
): Promise<void> {
  const run = async (
    request: Partial<ModuleRequest> & Pick<ModuleRequest, 'action'>,
    files: ModuleRun['files'] = {},
  ): Promise<{ result: ModuleRunResult; time: number }> => {
    const name = `cldctl-bench-${randomBytes(4).toString('hex')}`;
    const from = performance.now();
    try {
      const result = await runModule(
        engine,
        {
          image,
          name,
          labels: {},
          request: {
            contract: 1,
            stack_name: 'bench',
            passphrase: 'p',
            inputs: INPUTS,
            secret_inputs: ['token'],
            seal_key: randomBytes(32).toString('base64'),
            ...request,
          },
          files,
          workspace: { kind: 'anonymous' },
          limits: resolveLimits({ network: 'none' }),
          stopGraceMs: 20_000,
          runTimeoutMs: 120_000,
        },
        { signal, onEvent: () => undefined },
      );
      const time = performance.now() - from;
      if (!result.response.success)
        throw new CodedError('InternalError', `${image}: ${result.response.error ?? 'failed'}`);
      return { result, time };
    } finally {
      await removeRun(engine, name, { volumes: true });
    }
  };
  const { result, time } = await run({ action: 'preview' });
  measured.preview.push(time);
  const { plan } = result.files;
  if (plan === undefined) throw new CodedError('InternalError', 'the preview left no plan');
  const digest = await digestContent(plan);
  const applied = await run(
    { action: 'apply', plan: { path: 'plan/plan', digest } },
    { 'plan/plan': plan },
  );
  measured.apply.push(applied.time);
}

/** All layers, and those above the base image. */
async function sizesOf(engine: Engine, image: string): Promise<{ size: number; own: number }> {
  const { Size: size } = await engine.docker.getImage(image).inspect();
  const history = (await engine.docker.getImage(image).history()) as {
    CreatedBy: string;
    Size: number;
  }[];
  // The base image ends with its labels.
  const base = history.findIndex(({ CreatedBy }) => CreatedBy.includes('dev.cldctl.runtime='));
  return { size, own: history.slice(0, base).reduce((sum, { Size }) => sum + Size, 0) };
}

/** Runs the docker command; resolves with milliseconds. */
function docker(command: readonly string[]): Promise<number> {
  const from = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn('docker', command, { stdio: ['ignore', 'ignore', 'pipe'] });
    let words = '';
    child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()));
    child.once('error', () =>
      reject(new CodedError('SetupFailed', 'install the docker command for the bare runs')),
    );
    child.once('exit', (code) =>
      code === 0
        ? resolve(performance.now() - from)
        : reject(new CodedError('InternalError', `docker ${command[0]}: ${words.trim()}`)),
    );
  });
}

function print(name: string, cells: readonly string[]): void {
  process.stdout.write(`${name.padEnd(8)}${cells.map((cell) => cell.padStart(10)).join('')}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${asCodedError(error).message}\n`);
  process.exitCode = 1;
}
