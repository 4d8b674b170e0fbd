/** Creating and starting the container of a run, or finding the one of an earlier call. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringifyJson } from '../contract/json.js';
import { CodedError } from '../errors.js';
import { packArchive, streamArchive, type ArchiveEntry } from './archive.js';
import { containerOptions, MODULE_USER, specHash } from './container-options.js';
import { dockerCall, dockerMessage, dockerStatus, fromDockerError } from './docker-error.js';
import type { Engine } from './engine.js';
import { inspectRun, removeRun, type RunInspection } from './inspect-run.js';
import { LABEL } from './labels.js';
import { inspectModuleImage, type ModuleImage } from './module-image.js';
import type { ModuleRun, RunDependencies } from './module-run.js';
import { networkMode } from './network.js';

export interface StartedRun {
  readonly id: string;
  readonly adopted: boolean;
  readonly form: ModuleImage['form'];
}

/** Marks a step of a run for its timings. */
export type Mark = (step: string) => void;

/**
 * Creates and starts the container, or adopts the one of that name: running ones are followed, ended ones collected,
 * neither is ever started again. Throws `OutcomeUnknown` when the name belongs to another run.
 */
export async function startRun(
  engine: Engine,
  run: ModuleRun,
  deps: RunDependencies,
  mark: Mark,
): Promise<StartedRun> {
  if (run.adoptOnly === true) {
    const found = await inspectRun(engine, run.name);
    if (found === undefined) throw gone(run.name);
    return adopt(engine, run, found, deps, mark);
  }
  const image = await inspectModuleImage(engine, run.image);
  const network = await networkMode(engine, run.limits.network);
  mark('prepare');
  let id: string;
  try {
    const options = containerOptions(engine, image, run, network);
    id = (await engine.docker.createContainer(options)).id;
  } catch (error) {
    // A taken name is 409 from Docker and 500 from Podman: look instead of reading the status.
    const found = await findNamed(engine, run.name, dockerStatus(error) === 409);
    if (found !== undefined) return adopt(engine, run, found, deps, mark);
    throw fromDockerError(error, `create container ${run.name}`);
  }
  mark('create');
  await deps.onStarted?.(id);
  await giveInputAndStart(engine, run, image, id, deps, mark);
  return { id, adopted: false, form: image.form };
}

async function adopt(
  engine: Engine,
  run: ModuleRun,
  found: RunInspection,
  deps: RunDependencies,
  mark: Mark,
): Promise<StartedRun> {
  if (found.labels[LABEL.specHash] !== specHash(run)) {
    throw new CodedError(
      'OutcomeUnknown',
      `container ${run.name} is there from another run and was not collected; look at it with "docker inspect ${run.name}" and remove it when its result is safe`,
    );
  }
  if (found.state === 'dead') {
    await removeRun(engine, found.id);
    throw gone(run.name);
  }
  const settled = found.state === 'created' ? await waitForOtherStart(engine, found) : found;
  mark('adopt');
  if (settled.state === 'created') {
    await deps.onStarted?.(found.id);
    const image = await inspectModuleImage(engine, run.image);
    await giveInputAndStart(engine, run, image, found.id, deps, mark);
  }
  // A container has the labels of its image.
  const form = found.labels[LABEL.contract] === undefined ? 'seed' : 'contract';
  return { id: found.id, adopted: true, form };
}

/** A name is taken before its container can be seen: another call creates it right now. */
async function findNamed(
  engine: Engine,
  name: string,
  taken: boolean,
): Promise<RunInspection | undefined> {
  for (let tries = taken ? 20 : 1; ; tries -= 1) {
    const found = await inspectRun(engine, name);
    if (found !== undefined || tries <= 1) return found;
    await sleep(100);
  }
}

/** A container that was not started is another call's that starts it right now, or that of a worker that died. */
async function waitForOtherStart(engine: Engine, found: RunInspection): Promise<RunInspection> {
  let now = found;
  for (let tries = 20; tries > 0 && now.state === 'created'; tries -= 1) {
    await sleep(100);
    now = (await inspectRun(engine, found.id)) ?? now;
  }
  return now;
}

function gone(name: string): CodedError {
  return new CodedError('ContainerLost', `container ${name} is not there any more`);
}

async function giveInputAndStart(
  engine: Engine,
  run: ModuleRun,
  image: ModuleImage,
  id: string,
  deps: RunDependencies,
  mark: Mark,
): Promise<void> {
  const container = engine.docker.getContainer(id);
  if (deps.signal.aborted) {
    await removeRun(engine, id);
    deps.signal.throwIfAborted();
  }
  const input = inputEntries(run, image);
  await dockerCall(`start container ${run.name}`, async () => {
    const stdin = image.form === 'contract' ? await attachStdin(engine, id) : undefined;
    if (stdin === undefined) {
      await container.putArchive(await packArchive(input), { path: '/' });
    }
    mark('input');
    try {
      // Written while the container starts and reads. One that is cut off is refused there, and nothing runs.
      if (stdin !== undefined)
        pipeline(Readable.from(streamArchive(input)), stdin).catch(() => undefined);
      await container.start();
    } catch (error) {
      stdin?.destroy();
      if (dockerStatus(error) !== 304) throw await startError(engine, run, id, error);
    }
  });
  mark('start');
}

async function attachStdin(
  engine: Engine,
  id: string,
): Promise<NodeJS.WritableStream & { destroy(): void }> {
  const socket = await engine.docker.getContainer(id).attach({
    stream: true,
    stdin: true,
    stdout: false,
    stderr: false,
    hijack: true,
  });
  // The container may end without having read everything.
  socket.on('error', () => undefined);
  socket.resume();
  return socket as NodeJS.ReadWriteStream & { destroy(): void };
}

/** What the container reads: `input.json` and the files, owned by the user that reads them. */
function inputEntries(run: ModuleRun, image: ModuleImage): ArchiveEntry[] {
  const owner =
    image.form === 'contract'
      ? { uid: MODULE_USER, gid: MODULE_USER, mode: 0o600 }
      : { uid: 0, gid: 0, mode: seedUserIsRoot(image) ? 0o600 : 0o644 };
  const files = [
    { name: 'input.json', bytes: stringifyJson(run.request), ...owner },
    ...Object.entries(run.files).map(([name, bytes]) => ({ name, bytes, ...owner })),
  ];
  if (image.form === 'contract') return files;
  // Only an entry for the mount point itself, put at `/`, changes its mode.
  return [
    { name: 'workspace/', type: 'directory', uid: 0, gid: 0, mode: 0o777 },
    ...files.map((file) => ({ ...file, name: `workspace/${file.name}` })),
  ];
}

function seedUserIsRoot(image: ModuleImage): boolean {
  return image.user === '' || /^(root|0)(:|$)/.test(image.user);
}

/** A start that fails leaves the container in state `created`; the image has no usable entrypoint. */
async function startError(
  engine: Engine,
  run: ModuleRun,
  id: string,
  error: unknown,
): Promise<unknown> {
  const exitCode = (await inspectRun(engine, id).catch(() => undefined))?.error;
  if (!/cldctl-entrypoint/.test(`${exitCode ?? ''} ${dockerMessage(error)}`)) return error;
  await removeRun(engine, id).catch(() => undefined);
  return new CodedError(
    'InvalidModule',
    `image ${run.image} has no runnable /cldctl-entrypoint: ${dockerMessage(error)}; build it with "cldctl-iac build"`,
    { cause: error },
  );
}
