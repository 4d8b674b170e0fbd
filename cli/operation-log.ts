/** The log of an operation: from the workers' endpoint, or from the store where this machine holds its key. */
import type { IacClient, LogChunk, OperationTarget } from '../src/client/index.js';
import { CodedError } from '../src/errors.js';
import { missingLines } from '../src/logs/log-text.js';
import type { CommandContext } from './command-context.js';
import { printable } from './render/printable.js';
import type { Style } from './render/style.js';
import { openConfiguredStore } from './with-store.js';

/** Most milliseconds of one wait for the next chunk in the store. */
const WAIT = 2_000;

/** Chunks in order; with `follow` until the operation is over. Throws `LogsUnavailable` when neither way leads to it. */
export async function* operationLog(
  client: IacClient,
  target: OperationTarget,
  follow: boolean,
  context: CommandContext,
): AsyncGenerator<LogChunk> {
  try {
    yield* client.logs(target, { follow, signal: context.signal });
  } catch (error) {
    if (!(error instanceof CodedError && error.code === 'LogsUnavailable')) throw error;
    yield* fromStore(client, target, follow, context, error);
  }
}

async function* fromStore(
  client: IacClient,
  target: OperationTarget,
  follow: boolean,
  context: CommandContext,
  otherwise: CodedError,
): AsyncGenerator<LogChunk> {
  const { readChunks } = await import('../src/logs/log-store.js');
  const { stackId = '', runId } = await client.describe(target);
  const store = await openConfiguredStore(context).catch(() => {
    throw otherwise;
  });
  try {
    yield* client.logs(target, {
      follow,
      signal: context.signal,
      read: (from, wait) =>
        readChunks(
          store,
          { stackId, runId },
          {
            from,
            waitMs: wait === undefined ? 0 : WAIT,
            signal: wait === undefined ? context.signal : AbortSignal.any([context.signal, wait]),
          },
        ),
    });
  } finally {
    store.close();
  }
}

/** The lines of a chunk for a terminal: time, step, text without control characters. */
export function renderChunk({ step, lines, dropped }: LogChunk, style: Style): string[] {
  const lost = dropped === undefined ? [] : [style.yellow(missingLines(dropped))];
  return [
    ...lost,
    ...lines.map(
      ({ at, text }) =>
        `${style.dim(`${at.slice(11, 19)} ${step.padEnd(7)}`)} ${printable(text, '\t')}`,
    ),
  ];
}
