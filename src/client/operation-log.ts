/** The log of an operation while it runs, and after. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LogChunk } from '../contract/log.js';
import type { OperationResult, OperationState } from '../contract/operation.js';
import { CodedError } from '../errors.js';
import { chunksByLink, followChunks, logsUnavailable, type ReadChunks } from './read-logs.js';
import type { OperationTarget } from './types.js';

/** Milliseconds between two looks at an operation. */
const LOOK = 300;

export interface LogOptions {
  readonly signal?: AbortSignal;
  /** Also what comes, until the operation is over. */
  readonly follow?: boolean;
  /** Default: by the workers' HTTP endpoint. */
  readonly read?: ReadChunks;
}

interface Operations {
  state(target: OperationTarget): Promise<OperationState>;
  result(target: OperationTarget, call: { signal?: AbortSignal }): Promise<OperationResult>;
}

/** Yields chunks in order. Throws `LogsUnavailable` when the operation has no link to its log. */
export async function* operationLog(
  operations: Operations,
  target: OperationTarget,
  options: LogOptions,
): AsyncGenerator<LogChunk> {
  const read =
    options.read ?? chunksByLink(await logLink(operations, target, options), options.signal);
  if (options.follow !== true) return yield* followChunks(read);
  const stop = new AbortController();
  try {
    yield* followChunks(read, overSignal(operations, target, stop.signal));
  } finally {
    stop.abort();
  }
}

async function logLink(
  operations: Operations,
  target: OperationTarget,
  { signal, follow }: LogOptions,
): Promise<string> {
  for (;;) {
    const { logs, phase } = await operations.state(target);
    if (logs !== undefined) return logs;
    // An operation's first step makes the link.
    if (follow !== true || phase !== 'detect') throw logsUnavailable();
    await delay(LOOK, undefined, signal === undefined ? {} : { signal });
  }
}

/** Fires when the operation is over, however it ends; `stop` gives up watching. */
function overSignal(
  operations: Operations,
  target: OperationTarget,
  stop: AbortSignal,
): AbortSignal {
  const over = new AbortController();
  const watch = async (): Promise<void> => {
    try {
      await operations.result(target, { signal: stop });
    } catch (error) {
      const isAway = error instanceof CodedError && error.code === 'TemporalUnavailable';
      if (!isAway) return;
      await delay(LOOK, undefined, { signal: stop });
      await watch();
    }
  };
  watch()
    .catch(() => undefined)
    .finally(() => over.abort());
  return over.signal;
}
