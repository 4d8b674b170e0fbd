/** What a step prints goes into the log of its operation. */
import { activityInfo } from '@temporalio/activity';
import { createLogWriter, type LogWriter } from '../src/logs/log-writer.js';
import type { OperationDependencies } from '../src/operation/dependencies.js';
import { thisRun } from './this-run.js';

/** Runs a step inside an activity with a writer of its own; when it returns its lines are in the store, as far as that is in reach. */
export async function withLog<T>(
  { store }: Pick<OperationDependencies, 'store'>,
  { stackId, step }: { readonly stackId: string; readonly step: string },
  work: (log: LogWriter) => Promise<T>,
): Promise<T> {
  const { runId } = thisRun(activityInfo());
  const log = createLogWriter(store, { stackId, runId }, step);
  try {
    return await work(log);
  } finally {
    await log.close();
  }
}
