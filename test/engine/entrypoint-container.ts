/** Module containers with the real entrypoint, driven without the product's own runner: every stream and limit is the test's. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container, ContainerCreateOptions } from 'dockerode';
import { loadConfig } from '../../src/config.js';
import type { EntrypointEvent } from '../../src/contract/event.js';
import { parseJson, stringifyJson } from '../../src/contract/json.js';
import type { ModuleRequest } from '../../src/contract/request.js';
import type { ModuleResponse } from '../../src/contract/response.js';
import { packArchive, readSingleFile } from '../../src/docker/archive.js';
import type { Engine } from '../../src/docker/engine.js';
import { readLogLines } from '../../src/docker/logs.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { uniqueName } from '../support/test-engine.js';

const OWNER = { uid: 10001, gid: 10001, mode: 0o600 };

/** The OpenTofu base image, with the entrypoint as it is in the work tree. */
export async function opentofuBase(): Promise<string> {
  const { opentofu } = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['opentofu'],
    signal: AbortSignal.timeout(170_000),
    report: () => undefined,
  });
  return opentofu;
}

/** The images of one test file. */
export interface TestImages {
  /** Builds a module image; `lines` replace the preparation of the module. Returns its tag, or throws with the build's log. */
  module(
    base: string,
    files: Readonly<Record<string, string | Uint8Array>>,
    lines?: readonly string[],
  ): Promise<string>;
  /** Builds an image from a Dockerfile and the files of its context. Returns its tag, or throws with the build's log. */
  build(dockerfile: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string>;
  remove(): Promise<void>;
}

export function testImages(engine: Engine): TestImages {
  const tags = new Set<string>();
  const build: TestImages['build'] = async (dockerfile, files) => {
    const tag = uniqueName('image');
    const root = { uid: 0, gid: 0, mode: 0o644 };
    const context = await packArchive([
      { name: 'Dockerfile', bytes: dockerfile, ...root },
      ...Object.entries(files).map(([name, bytes]) => ({ name, bytes, ...root })),
    ]);
    const stream = await engine.docker.buildImage(context as unknown as NodeJS.ReadableStream, {
      t: tag,
      rm: true,
      forcerm: true,
    });
    let log = '';
    for await (const chunk of stream) log += String(chunk);
    if (!log.includes('"errorDetail"')) {
      tags.add(tag);
      return tag;
    }
    const lines = log
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { stream?: string });
    throw new Error(lines.map((line) => line.stream ?? '').join(''));
  };
  return {
    build,
    module: (base, files, lines = ['RUN ["/cldctl-entrypoint","prepare","opentofu","module"]']) => {
      const dockerfile = [
        `FROM ${base}`,
        'USER root',
        'COPY module/ /module/',
        ...lines,
        'USER 10001:10001',
      ].join('\n');
      const named = Object.entries(files).map(
        ([name, bytes]) => [`module/${name}`, bytes] as const,
      );
      return build(dockerfile, Object.fromEntries(named));
    },
    remove: async () => {
      for (const tag of tags) await engine.docker.getImage(tag).remove({ force: true });
    },
  };
}

export interface ContainerRun {
  readonly image: string;
  readonly request?: ModuleRequest | string;
  readonly files?: Readonly<Record<string, Uint8Array>>;
  /** Bytes on standard input instead of the request's tar; the stream stays open with `keepOpen`. */
  readonly input?: Uint8Array;
  readonly keepOpen?: boolean;
  readonly host?: ContainerCreateOptions['HostConfig'];
  readonly create?: Partial<ContainerCreateOptions>;
  /** False: log events go to `onEvent` only. Default true. */
  readonly keepLogs?: boolean;
  readonly onEvent?: (event: EntrypointEvent, container: Container) => void;
}

export interface ContainerEnd {
  readonly exitCode: number;
  readonly events: readonly EntrypointEvent[];
  /** Lines that are no events. */
  readonly other: readonly string[];
  readonly response: ModuleResponse | undefined;
  readonly oomKilled: boolean;
  /** Reads a file of the workspace. */
  file(path: string): Promise<Buffer | undefined>;
  remove(): Promise<void>;
}

/** Runs a container to its end; `remove` has to be called. */
export async function runContainer(engine: Engine, run: ContainerRun): Promise<ContainerEnd> {
  const container = await engine.docker.createContainer({
    Image: run.image,
    name: uniqueName('entrypoint'),
    Entrypoint: ['/cldctl-entrypoint'],
    Env: ['CLDCTL_INPUT=stdin'],
    OpenStdin: true,
    StdinOnce: true,
    ...run.create,
    HostConfig: {
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Memory: 1024 * 1024 * 1024,
      ...(run.host?.Tmpfs === undefined
        ? { Mounts: [{ Type: 'volume', Source: '', Target: '/workspace' }] }
        : {}),
      ...run.host,
    },
  });
  const remove = (): Promise<void> => container.remove({ force: true, v: true });
  try {
    const stdin = await container.attach({ stream: true, stdin: true, hijack: true });
    await container.start();
    const logs = followLogs(container, run);
    const input =
      run.input ?? (await inputTar(run.request ?? { action: 'preview' }, run.files ?? {}));
    if (run.keepOpen === true) stdin.write(input);
    else stdin.end(input);
    const { StatusCode: exitCode } = (await container.wait()) as { StatusCode: number };
    const { events, other } = await logs;
    const file = (path: string): Promise<Buffer | undefined> => readFile(container, path);
    const output = run.host?.Tmpfs === undefined ? await file('output.json') : undefined;
    const { State } = await container.inspect();
    return {
      exitCode,
      events,
      other,
      response:
        output === undefined
          ? undefined
          : (parseJson(output.toString()) as unknown as ModuleResponse),
      oomKilled: State.OOMKilled,
      file,
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The request and its files as the tar that the entrypoint reads. */
export function inputTar(
  request: ModuleRequest | string,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<Buffer> {
  const text = typeof request === 'string' ? request : stringifyJson(request);
  return packArchive([
    { name: 'input.json', bytes: text, ...OWNER },
    ...Object.entries(files).map(([name, bytes]) => ({ name, bytes, ...OWNER })),
  ]);
}

async function followLogs(
  container: Container,
  run: ContainerRun,
): Promise<{ events: EntrypointEvent[]; other: string[] }> {
  const events: EntrypointEvent[] = [];
  const other: string[] = [];
  const stream = await container.logs({
    follow: true,
    stdout: true,
    stderr: true,
    timestamps: true,
  });
  for await (const { text } of readLogLines(stream as Parameters<typeof readLogLines>[0])) {
    if (!text.startsWith('{"type":')) {
      other.push(text);
      continue;
    }
    const event = (
      text.startsWith('{"type":"output"') ? parseJson(text) : JSON.parse(text)
    ) as EntrypointEvent;
    if (event.type !== 'log' || run.keepLogs !== false) events.push(event);
    run.onEvent?.(event, container);
  }
  return { events, other };
}

async function readFile(container: Container, path: string): Promise<Buffer | undefined> {
  try {
    const archive = await container.getArchive({ path: `/workspace/${path}` });
    return await readSingleFile(archive, path, 1024 * 1024 * 1024);
  } catch {
    return undefined;
  }
}

/** All log text of a run. */
export function logText(end: Pick<ContainerEnd, 'events'>): string {
  return end.events.flatMap((event) => (event.type === 'log' ? [event.message] : [])).join('\n');
}

/** Waits for what has no event of its own, e.g. a process inside a container. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(50);
}
