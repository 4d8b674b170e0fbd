/** The bare tool on this machine: what the module container's answers are compared with. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseJson, stringifyJson, type Json } from '../../src/contract/json.js';
import { loadConfig } from '../../src/config.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { mirrorConfiguration } from './outside-provider.js';

/** Path of a bare `tofu`, built or downloaded through the set-up's cache. */
export async function tofuExecutable(signal: AbortSignal): Promise<string> {
  const { tofu } = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['tofu'],
    signal,
    report: () => undefined,
  });
  return tofu;
}

/** What the bare tool is asked to plan. */
export interface BareRequest {
  /** The module's files by path. */
  readonly files: Readonly<Record<string, string>>;
  readonly inputs?: Readonly<Record<string, Json>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** The state to plan against; absent: none yet. */
  readonly state?: Uint8Array;
  /** Further words of the command line, e.g. `-destroy`. */
  readonly flags?: readonly string[];
  /** Only the exit code and the text are wanted. */
  readonly brief?: boolean;
}

/** Everything the bare tool says of a plan. */
export interface BarePlan {
  /** With `-detailed-exitcode`: 0 nothing to do, 1 failed, 2 changes. */
  readonly exitCode: number;
  /** `tofu show -json` of the plan file; absent when there is none. */
  readonly shown?: Json;
  /** The machine-readable stream. */
  readonly events: readonly Json[];
  /** What a person reads. */
  readonly text: string;
}

export interface BareTofu {
  plan(request: BareRequest): Promise<BarePlan>;
  /** The dependency lock file that `tofu init` writes for a module. */
  lock(files: Readonly<Record<string, string>>): Promise<string>;
  /** `tofu output -json` of a state. */
  outputs(state: Uint8Array): Promise<Json>;
}

/** The bare tool with providers from one mirror directory and from nowhere else. */
export function bareTofu(executable: string, mirror: string): BareTofu {
  const inFolder = async <T>(work: (folder: string, run: Run) => Promise<T>): Promise<T> => {
    const folder = await mkdtemp(join(tmpdir(), 'bare-tofu-'));
    try {
      const configuration = await mirrorConfiguration(mirror, folder);
      const module = join(folder, 'module');
      await mkdir(module);
      const base = {
        PATH: process.env['PATH'] ?? '',
        HOME: folder,
        TF_CLI_CONFIG_FILE: configuration,
      };
      return await work(folder, (words, environment = {}) =>
        runTofu(executable, words, module, { ...base, ...environment }),
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  return {
    plan: (request) =>
      inFolder(async (folder, run) => {
        const file = (name: string): string => join(folder, name);
        await writeModule(file('module'), request.files);
        // Any backend of the module's gives way to a state file of ours.
        await writeFile(
          file('module/zzz_state_override.tf.json'),
          JSON.stringify({ terraform: [{ backend: { local: { path: file('state') } } }] }),
        );
        await writeFile(file('inputs.tfvars.json'), stringifyJson(request.inputs ?? {}));
        if (request.state !== undefined) await writeFile(file('state'), request.state);
        const init = await run(['init', '-input=false', '-no-color'], request.environment);
        if (init.exitCode !== 0) return { ...init, events: [] };
        const planned = await run(
          [
            'plan',
            '-input=false',
            '-no-color',
            '-detailed-exitcode',
            `-out=${file('plan')}`,
            `-json-into=${file('events')}`,
            `-var-file=${file('inputs.tfvars.json')}`,
            ...(request.flags ?? []),
          ],
          request.environment,
        );
        const lines = (await readFile(file('events'), 'utf8').catch(() => '')).split('\n');
        const events = lines.filter(Boolean).map(parseJson);
        if (request.brief === true || !existsSync(file('plan'))) return { ...planned, events };
        const shown = await run(['show', '-json', `-plan=${file('plan')}`], request.environment);
        return { ...planned, events, shown: parseJson(shown.text) };
      }),
    lock: (files) =>
      inFolder(async (folder, run) => {
        await writeModule(join(folder, 'module'), files);
        await run(['init', '-input=false', '-no-color', '-backend=false']);
        return readFile(join(folder, 'module', '.terraform.lock.hcl'), 'utf8');
      }),
    outputs: (state) =>
      inFolder(async (folder, run) => {
        await writeFile(join(folder, 'module', 'terraform.tfstate'), state);
        return parseJson((await run(['output', '-json', '-no-color'])).text);
      }),
  };
}

/** Writes a module's files below a directory. */
export async function writeModule(
  directory: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
}

type Run = (
  words: readonly string[],
  environment?: Readonly<Record<string, string>>,
) => Promise<{ exitCode: number; text: string }>;

function runTofu(
  executable: string,
  words: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<{ exitCode: number; text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(executable, words, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.once('error', reject);
    child.once('close', (code) =>
      resolve({
        exitCode: code ?? -1,
        text: Buffer.concat(out).toString() + (code === 1 ? Buffer.concat(errors).toString() : ''),
      }),
    );
  });
}
