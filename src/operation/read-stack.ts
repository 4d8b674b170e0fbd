/** A stack's record as clients without a store key see it. */
import type { StackView } from '../contract/stack.js';
import { CodedError } from '../errors.js';
import { readRecord } from '../stack/record.js';
import type { OperationDependencies } from './dependencies.js';

/** Reads the record; sensitive outputs have no value. Throws `StackNotFound`. */
export async function readStack(
  { store }: Pick<OperationDependencies, 'store'>,
  stackId: string,
): Promise<StackView> {
  const record = (await readRecord(store, stackId))?.record;
  if (record === undefined) {
    throw new CodedError(
      'StackNotFound',
      `there is no stack ${stackId}; list the stacks: cldctl-iac list`,
    );
  }
  const { engine, image, createdAt, openRun, state, drift, lostRun } = record;
  return {
    stackId,
    createdAt,
    outputs: Object.fromEntries(
      Object.entries(record.outputs ?? {}).map(([name, { value, sensitive }]) => [
        name,
        sensitive === true ? { sensitive } : { value },
      ]),
    ),
    operations: record.operations.map(
      ({ operation, outcome, at, by, planDigest, runId, image, summary }) => ({
        operation,
        outcome,
        at,
        ...(by === undefined ? {} : { by }),
        ...(planDigest === undefined ? {} : { planDigest }),
        ...(runId === undefined ? {} : { runId }),
        ...(image === undefined ? {} : { image }),
        ...(summary === undefined ? {} : { summary }),
      }),
    ),
    ...(engine === undefined ? {} : { engine }),
    ...(image === undefined ? {} : { image }),
    ...(openRun === undefined
      ? {}
      : {
          openRun: {
            operation: openRun.operation,
            workflowId: openRun.workflowId,
            runId: openRun.runId,
          },
        }),
    ...(state === undefined || !('version' in state)
      ? {}
      : { state: { version: state.version, at: state.at } }),
    ...(drift === undefined ? {} : { drift }),
    ...(lostRun === undefined ? {} : { lostRun }),
  };
}
