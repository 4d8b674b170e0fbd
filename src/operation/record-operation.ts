/** The log of a stack: operations that ended without having run their plan. */
import { actionSchema } from '../contract/change.js';
import { newRecord, updateRecord } from '../stack/record.js';
import type { OperationDependencies } from './dependencies.js';
import type { RecordRequest, RunReference } from './types.js';

/** Appends an operation to the record; the same run is written once.. */
export async function recordOperation(
  { store }: Pick<OperationDependencies, 'store'>,
  request: RecordRequest,
  run: RunReference,
): Promise<void> {
  const { stackId, operation, outcome, planDigest, requestedBy, decisions } = request;
  const at = new Date().toISOString();
  await updateRecord(store, stackId, (current) => {
    const record = current ?? newRecord(stackId, at);
    if (record.operations.some(({ runId }) => runId === run.runId)) return record;
    return {
      ...record,
      operations: [
        ...record.operations,
        {
          operation: actionSchema.parse(operation),
          outcome,
          at,
          ...run,
          decisions: [...decisions],
          ...(planDigest === undefined ? {} : { planDigest }),
          ...(requestedBy === undefined ? {} : { by: requestedBy }),
        },
      ],
    };
  });
}
