/** The log of an operation beside its phases, while something else waits for its plan or its end. */
import { setTimeout as delay } from 'node:timers/promises';
import type { IacClient, OperationTarget } from '../src/client/index.js';
import type { CommandContext } from './command-context.js';
import { operationLog, renderChunk } from './operation-log.js';

/** Milliseconds that the last lines may take. */
const PATIENCE = 5_000;

export interface LogWatch {
  /** Waits for the last lines of an operation that is over. */
  end(): Promise<void>;
  /** Shows no more. */
  stop(): void;
}

/** Writes log lines as they come; trouble with them never fails the command. */
export function showLog(
  client: IacClient,
  target: OperationTarget,
  context: CommandContext,
): LogWatch {
  const { terminal } = context;
  const stopped = new AbortController();
  const signal = AbortSignal.any([context.signal, stopped.signal]);
  const showing = (async () => {
    if (terminal.json) return;
    try {
      for await (const chunk of operationLog(client, target, true, { ...context, signal }))
        for (const line of renderChunk(chunk, terminal.style)) terminal.note(line);
    } catch {
      // No endpoint and no key here, or a server that is away: phases and result are told all the same.
    }
  })();
  return {
    end: () => Promise.race([showing, delay(PATIENCE, undefined, { ref: false })]),
    stop: () => stopped.abort(),
  };
}
