/** One run of a module container: start or adopt it, follow it, stop it when asked, and collect its result. */
import type { EntrypointEvent } from '../contract/event.js';
import { openFrame, type Frame } from '../contract/sealed-frame.js';
import { collectFiles, collectFrame } from './collect-result.js';
import type { Engine } from './engine.js';
import { followLines, toEvent, waitForExit } from './follow-run.js';
import type { ModuleRun, ModuleRunResult, RunDependencies } from './module-run.js';
import { startRun } from './start-run.js';
import { createStopper, type Stopper } from './stop-run.js';

/** Log lines that an error carries. */
const TAIL = 40;
/** Milliseconds without a line after the exit, after which the log is taken as ended. */
const LOG_IDLE = 10_000;

/**
 * Runs a module. It returns at the complete result frame, while the container is still going down, or else when the
 * container has ended and its files are read. The container is left in place: remove it with `removeRun` when the
 * result is safe. A container of that name with the same spec is adopted and never started again.
 * When `signal` fires the container gets one SIGINT, the grace and SIGKILL, and its answer is still returned
 * (`stopped`). Throws `AbortError` when it had not been started yet, or when `letGo` fires.
 * Throws `InvalidModule`, `ModuleNotFound`, `InvalidOutput`, `ModuleFailed` (out of memory), `ContainerLost`,
 * `OutcomeUnknown` (killed without an answer, or the name is another run's) and `DockerUnavailable`.
 */
export async function runModule(
  engine: Engine,
  run: ModuleRun,
  deps: RunDependencies,
): Promise<ModuleRunResult> {
  deps.signal.throwIfAborted();
  deps.letGo?.throwIfAborted();
  const { mark, timings } = startClock();
  const { id, adopted, form } = await startRun(engine, run, deps, mark);

  const watch = new AbortController();
  const failed = deferred<never>();
  const stopper = createStopper(engine, id, {
    graceMs: run.stopGraceMs,
    passesOne: form === 'contract',
    onError: failed.reject,
  });
  const cancel = (): void => stopper.stop('cancelled');
  const letGo = (): void => failed.reject(deps.letGo?.reason as Error);
  const timeout = setTimeout(() => stopper.stop('timeout'), run.runTimeoutMs);
  deps.signal.addEventListener('abort', cancel, { once: true });
  deps.letGo?.addEventListener('abort', letGo, { once: true });
  if (deps.signal.aborted) cancel();
  if (deps.letGo?.aborted === true) letGo();
  try {
    const exit = waitForExit(engine, id, watch.signal);
    exit.catch(() => undefined);
    const reading = readEvents(engine, run, id, deps, stopper, exit, watch.signal);
    reading.catch(() => undefined);
    const read = await Promise.race([reading, failed.promise]);
    mark(read.frame === undefined ? 'log-end' : 'frame');
    let collected;
    let oomKilled = false;
    if (read.frame !== undefined) {
      collected = collectFrame(run, read.frame);
    } else {
      const ended = await Promise.race([exit, failed.promise]);
      mark('exit');
      oomKilled = ended.oomKilled;
      collected = await collectFiles(engine, run, ended, { ...read, killed: stopper.killed });
      mark('collect');
    }
    return {
      containerId: id,
      ...collected,
      adopted,
      dropped: read.dropped,
      oomKilled,
      ...(stopper.reason === undefined ? {} : { stopped: stopper.reason }),
      killed: stopper.killed,
      timings,
    };
  } finally {
    deps.signal.removeEventListener('abort', cancel);
    deps.letGo?.removeEventListener('abort', letGo);
    clearTimeout(timeout);
    stopper.close();
    watch.abort();
  }
}

interface ReadEvents {
  readonly frame?: Frame;
  readonly output?: unknown;
  readonly tail: readonly string[];
  readonly dropped: number;
}

/** Reads events until the sealed result, or the end of the log. */
async function readEvents(
  engine: Engine,
  run: ModuleRun,
  id: string,
  deps: RunDependencies,
  stopper: Stopper,
  exit: Promise<unknown>,
  watch: AbortSignal,
): Promise<ReadEvents> {
  const key =
    run.request.seal_key === undefined ? undefined : Buffer.from(run.request.seal_key, 'base64');
  const tail: string[] = [];
  let output: unknown;
  let dropped = 0;
  const idle = idleAfterExit(exit, watch);
  try {
    for await (const line of followLines(engine, id, run.logsAfter, idle.signal)) {
      idle.touch();
      stopper.alive();
      const event = toEvent(line);
      if (event.type === 'result') {
        const frame = key === undefined ? undefined : tryOpen(event.sealed, key);
        if (frame !== undefined) return { frame, tail, dropped };
        continue;
      }
      if (event.type === 'output') output = event.output;
      else if (event.type === 'dropped') dropped += event.bytes;
      else if (event.type === 'log') {
        tail.push(event.message);
        if (tail.length > TAIL) tail.shift();
      }
      if (event.type === 'output') continue;
      const heard = deps.onEvent(event satisfies EntrypointEvent, line.at);
      if (heard !== undefined) await heard;
    }
  } finally {
    idle.close();
  }
  return { ...(output === undefined ? {} : { output }), tail, dropped };
}

/** A module can print such a line too: only what opens under this run's key is the result. */
function tryOpen(sealed: string, key: Uint8Array): Frame | undefined {
  try {
    return openFrame(sealed, key);
  } catch {
    return undefined;
  }
}

/** Fires when the container has ended and no line came for a while: a follow that never ends must not hold a result. */
function idleAfterExit(
  exit: Promise<unknown>,
  watch: AbortSignal,
): { signal: AbortSignal; touch(): void; close(): void } {
  const end = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const ended = (): void => {
    if (!closed) timer = setTimeout(() => end.abort(), LOG_IDLE);
  };
  exit.then(ended, ended);
  return {
    signal: AbortSignal.any([watch, end.signal]),
    touch: () => void timer?.refresh(),
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

function startClock(): { mark: (step: string) => void; timings: Record<string, number> } {
  const timings: Record<string, number> = {};
  let last = performance.now();
  const mark = (step: string): void => {
    const now = performance.now();
    timings[step] = Math.round(now - last);
    last = now;
  };
  return { mark, timings };
}

function deferred<T>(): { promise: Promise<T>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((_, fail) => (reject = fail));
  promise.catch(() => undefined);
  return { promise, reject };
}
