/** Following a started container: its events as they come, and its exit. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { entrypointEventSchema, type EntrypointEvent } from '../contract/event.js';
import { parseJsonFast } from '../contract/json.js';
import { CodedError } from '../errors.js';
import { dockerStatus, fromDockerError, isConnectionError } from './docker-error.js';
import type { Engine } from './engine.js';
import { inspectRun, type RunInspection } from './inspect-run.js';
import { readLogLines, sinceAfter, type LogLine } from './logs.js';

/** Tries to reach an engine that went away: every second, this often. */
const RECONNECTS = 120;

/** Waits until the container is not running. Throws `ContainerLost` when it is gone, `DockerUnavailable` after two minutes. */
export async function waitForExit(
  engine: Engine,
  id: string,
  signal: AbortSignal,
): Promise<RunInspection> {
  for (let failures = 0; ;) {
    try {
      // Asked for after the start only: before it, the engine answers at once with 0.
      await engine.docker.getContainer(id).wait({ abortSignal: signal });
      const run = await inspectRun(engine, id);
      if (run === undefined || run.state === 'dead') throw lost(id);
      if (run.state !== 'running') return run;
    } catch (error) {
      signal.throwIfAborted();
      if (dockerStatus(error) === 404) throw lost(id);
      const away = isConnectionError(error) || (error as CodedError).code === 'DockerUnavailable';
      if (!away || ++failures > RECONNECTS) {
        throw fromDockerError(error, `wait for container ${id}`);
      }
      await sleep(1000, undefined, { signal });
    }
  }
}

function lost(id: string): CodedError {
  return new CodedError(
    'ContainerLost',
    `container ${id.slice(0, 12)} was removed while it ran; what it had done by then is not known here`,
  );
}

/** Lines of a container from its start (or right after a timestamp) to its end, over broken connections. */
export async function* followLines(
  engine: Engine,
  id: string,
  after: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  let last = after;
  for (;;) {
    let broken = false;
    try {
      const stream = (await engine.docker.getContainer(id).logs({
        follow: true,
        stdout: true,
        stderr: true,
        timestamps: true,
        ...(last === undefined ? {} : { since: sinceAfter(last) as unknown as number }),
        abortSignal: signal,
      })) as unknown as Readable;
      const destroy = (): void => void stream.destroy();
      signal.addEventListener('abort', destroy, { once: true });
      try {
        for await (const line of readLogLines(stream)) {
          last = line.at;
          yield line;
        }
      } finally {
        signal.removeEventListener('abort', destroy);
        stream.destroy();
      }
    } catch (error) {
      if (signal.aborted) return;
      if (dockerStatus(error) === 404) return;
      if (!isConnectionError(error)) {
        throw fromDockerError(error, `read the log of ${id}`);
      }
      broken = true;
    }
    if (signal.aborted) return;
    // After a broken stream the rest is read even if the container has ended meanwhile.
    const run = await inspectRun(engine, id).catch(() => 'away' as const);
    if (run === undefined || (!broken && run !== 'away' && run.state !== 'running')) return;
    await sleep(run === 'away' ? 1000 : 100, undefined, { signal }).catch(() => undefined);
  }
}

/** Reads a line as an event; what is no event (a foreign entrypoint, a stray print) is a log event of its own. */
export function toEvent(line: LogLine): EntrypointEvent {
  if (line.stream === 'stdout' && line.text.startsWith('{')) {
    try {
      const answer = line.text.startsWith('{"type":"output"');
      const parsed = entrypointEventSchema.safeParse(
        answer ? parseJsonFast(line.text) : JSON.parse(line.text),
      );
      if (parsed.success) return parsed.data;
    } catch {
      // Not JSON: a line like any other.
    }
  }
  return { type: 'log', stream: line.stream, message: line.text };
}
