/** What a step prints goes into the log of its operation. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { activityInfo } from '@temporalio/activity';
import { createLogWriter, type LogWriter } from '../src/logs/log-writer.js';
import type { OperationDependencies } from '../src/operation/dependencies.js';
import { thisRun } from './this-run.js';

/** Milliseconds that a cancelled step waits for the store to take its last lines. */
const BRIEF = 1000;

export interface WithLog {
  readonly stackId: string;
  readonly step: string;
  /** Fires when the operation was cancelled. */
  readonly signal: AbortSignal;
}

/** Runs a step inside an activity with a writer of its own; when it returns its lines are in the store, as far as that is in reach. */
export async function withLog<T>(
  { store }: Pick<OperationDependencies, 'store'>,
  { stackId, step, signal }: WithLog,
  work: (log: LogWriter) => Promise<T>,
): Promise<T> {
  const { runId } = thisRun(activityInfo());
  const log = createLogWriter(store, { stackId, runId }, step);
  try {
    return await work(log);
  } finally {
    await Promise.race([log.close(), briefAfter(signal)]);
  }
}

async function briefAfter(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
  await delay(BRIEF, undefined, { ref: false });
}
