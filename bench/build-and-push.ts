/**
 * `node dist/bench/build-and-push.js [--rounds 5] [--builder buildkit|classic] [--docker /usr/bin/docker]`: building and pushing
 * `examples/postgres` beside `docker build` of the same Dockerfile and context and `docker push`, in turn: without a cache, after a change of
 * a source, and unchanged. For `buildkit` the docker command has to have it: one of version 23 or newer needs buildx for that.
 * Its time has the start of its process in it; ours is told alone, as a worker has none.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig, type Config } from '../src/config.js';
import { detectModule } from '../src/detect/detect-module.js';
import { connectEngine, type Engine } from '../src/docker/engine.js';
import { findImage } from '../src/docker/find-image.js';
import { asCodedError, CodedError } from '../src/errors.js';
import { packageRoot } from '../src/setup/package-root.js';
import { prepareLocalSystem } from '../src/setup/prepare-local-system.js';
import { startRegistry } from '../src/setup/registry.js';
import { dockerEnvironment, setupSettings } from '../src/setup/setup-settings.js';
import { baseOf } from '../src/standalone/build-base.js';
import { planBuild } from '../src/standalone/build-plan.js';
import { createBuilder, type Builder } from '../src/standalone/builder.js';
import { statistics } from './statistics.js';

const CASES = ['no cache', 'source change', 'unchanged'] as const;
type Case = (typeof CASES)[number];

interface Bench {
  readonly engine: Engine;
  readonly config: Config;
  readonly builder: Builder;
  readonly docker: string;
  readonly signal: AbortSignal;
  /** The module that is changed and built. */
  readonly module: string;
  /** Directory for unpacked contexts. */
  readonly contexts: string;
  readonly registry: string;
}

/** Milliseconds of one build and the push of its image. */
interface Times {
  readonly build: number;
  readonly push: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      docker: { type: 'string', default: 'docker' },
      builder: { type: 'string', default: 'buildkit' },
    },
  });
  const settings = loadConfig(process.env);
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort(new Error('stopped')));
  const parts = await prepareLocalSystem({
    need: ['engine', 'opentofu', 'registry', 'provider-docker'],
    ...setupSettings(settings),
    signal: abort.signal,
    report: () => undefined,
  });
  const { directory: providerMirror } = parts['provider-docker'];
  const config = { ...settings, ...(providerMirror === undefined ? {} : { providerMirror }) };
  const connected = await connectEngine({ environment: dockerEnvironment(config) });
  const builder = values.builder === 'classic' ? 'classic' : connected.builder;
  const engine: Engine = { ...connected, builder };
  const folder = await mkdtemp(join(tmpdir(), 'cldctl-bench-'));
  const registry = await startRegistry({ program: parts.registry, signal: abort.signal });
  const bench: Bench = {
    engine,
    config,
    builder: await createBuilder({ engine, config }),
    docker: values.docker,
    signal: abort.signal,
    module: join(folder, 'module'),
    contexts: folder,
    registry: registry.address,
  };
  try {
    await cp(join(packageRoot(), 'examples', 'postgres'), bench.module, { recursive: true });
    await report(bench, Number(values.rounds));
  } finally {
    await registry.stop();
    await removeImages(bench);
    await rm(folder, { recursive: true, force: true });
  }
}

async function report(bench: Bench, rounds: number): Promise<void> {
  const row = (name: string, cells: readonly string[]): void =>
    void process.stdout.write(
      `${name.padEnd(26)}${cells.map((cell) => cell.padStart(11)).join('')}\n`,
    );
  const title = `${bench.engine.builder}, ${rounds} rounds, ms`;
  row(title, ['ours', 'docker', 'ratio', 'ours min', 'docker min', 'ours max', 'docker max']);
  for (const kind of CASES) {
    const ours: Times[] = [];
    const docker: Times[] = [];
    // The first round fills the registry and what both builders keep.
    for (let round = -1; round < rounds; round += 1) {
      const measures = [
        async () => void (round < 0 ? [] : ours).push(await ownTimes(bench, kind)),
        async () => void (round < 0 ? [] : docker).push(await dockerTimes(bench, kind)),
      ];
      for (const measure of round % 2 === 0 ? measures : measures.reverse()) {
        if (kind !== 'unchanged') await change(bench.module);
        await measure();
      }
    }
    for (const step of ['build', 'push'] as const) {
      const [own, reference] = [ours, docker].map((times) =>
        statistics(times.map((time) => time[step])),
      );
      if (own === undefined || reference === undefined) continue;
      row(`${step}, ${kind}`, [
        own.median.toFixed(0),
        reference.median.toFixed(0),
        (own.median / reference.median).toFixed(2),
        ...[own.min, reference.min, own.max, reference.max].map((time) => time.toFixed(0)),
      ]);
    }
  }
  const starts: number[] = [];
  const command = join(packageRoot(), 'dist', 'command', 'main.js');
  for (let round = 0; round < rounds; round += 1)
    starts.push(await timed(() => run(process.execPath, [command, '--version'], process.env)));
  row('start of the command', [statistics(starts).median.toFixed(0)]);
}

/** A comment that no build has seen, so that neither builder finds the other's work. */
async function change(module: string): Promise<void> {
  const path = join(module, 'main.tf');
  const text = (await readFile(path, 'utf8')).replace(/\n# changed .*\n$/, '');
  await writeFile(path, `${text}\n# changed ${randomBytes(8).toString('hex')}\n`);
}

async function ownTimes(bench: Bench, kind: Case): Promise<Times> {
  const { builder, signal } = bench;
  const tag = `${bench.registry}/bench/ours:1`;
  const noCache = kind === 'no cache';
  return {
    build: await timed(() => builder.build({ moduleDir: bench.module, tag, noCache, signal })),
    push: await timed(() => builder.push(tag, { signal })),
  };
}

async function dockerTimes(bench: Bench, kind: Case): Promise<Times> {
  const tag = `${bench.registry}/bench/docker:1`;
  const { directory, dockerfile } = await unpackedContext(bench, kind);
  const before = await findImage(bench.engine, tag);
  const cache = kind === 'no cache' ? ['--no-cache'] : [];
  const build = ['build', '--quiet', ...cache, '--tag', tag, '--file', join(directory, dockerfile)];
  const time = await timed(() => runDocker(bench, [...build, directory]));
  // BuildKit takes a file of the same size and time for the same: then it would have built nothing.
  if (kind !== 'unchanged' && (await findImage(bench.engine, tag))?.id === before?.id)
    throw new CodedError('SetupFailed', 'docker build did not see the change of a source');
  return {
    build: time,
    push: await timed(() => runDocker(bench, ['push', '--quiet', tag])),
  };
}

/** What our build sends, as a directory whose files have the time that an editor would have given them. */
async function unpackedContext(
  bench: Bench,
  kind: Case,
): Promise<{ directory: string; dockerfile: string }> {
  const { module, engine, config, signal } = bench;
  const detected = await detectModule(module, {});
  const base = await baseOf(module, detected, engine.platform, { engine, config, signal });
  const plan = await planBuild(module, detected, base, process.env, {
    engine,
    config,
    signal,
  });
  const directory = join(bench.contexts, 'context');
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory);
  const how = kind === 'unchanged' ? '-xf' : '-xmf';
  const unpack = spawn('tar', [how, '-', '-C', directory], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  for await (const chunk of plan.context())
    if (!unpack.stdin.write(chunk)) await once(unpack.stdin, 'drain');
  unpack.stdin.end();
  await once(unpack, 'close');
  return { directory, dockerfile: plan.dockerfilePath };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

function runDocker({ docker, config, engine }: Bench, words: readonly string[]): Promise<void> {
  const DOCKER_BUILDKIT = engine.builder === 'buildkit' ? '1' : '0';
  return run(docker, words, { ...dockerEnvironment(config), DOCKER_BUILDKIT });
}

async function run(
  program: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const child = spawn(program, words, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0)
    throw new CodedError('SetupFailed', `${program} ${words[0]} failed: ${errors.trim()}`);
}

async function removeImages({ engine, registry }: Bench): Promise<void> {
  for (const { RepoTags } of await engine.docker.listImages())
    for (const name of RepoTags ?? [])
      if (name.startsWith(`${registry}/`)) await engine.docker.getImage(name).remove();
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${asCodedError(error).message}\n`);
  process.exitCode = 1;
}
