/** Stacks by their records, as clients without a store key see them. */
import type { StackPage, StackSummary } from '../contract/stack.js';
import { CodedError } from '../errors.js';
import { listStacks as listRecords, readRecord } from '../stack/record.js';
import type { ListStacksRequest } from './types.js';
import type { OperationDependencies } from './dependencies.js';

/** Stacks of one answer: well below what a payload may hold. */
const PAGE = 1000;
/** Records that are read at one time. */
const AT_ONCE = 32;

interface Listed {
  readonly stackId: string;
  readonly number: number;
}

/** Lists stacks in the order of their ids; a record that can't be read is told in its place. Throws `StoreUnavailable`. */
export async function listStacks(
  { store }: Pick<OperationDependencies, 'store'>,
  { prefix = '', from = '' }: ListStacksRequest,
): Promise<StackPage> {
  const listed: Listed[] = [];
  for await (const found of listRecords(store, prefix)) {
    // Keys end an id with a slash: `a-b` comes before `a`.
    if (`${found.stackId}/` < `${from}/`) continue;
    if (listed.length === PAGE)
      return { stacks: await summaries(store, listed), next: found.stackId };
    listed.push(found);
  }
  return { stacks: await summaries(store, listed) };
}

async function summaries(
  store: OperationDependencies['store'],
  listed: readonly Listed[],
): Promise<StackSummary[]> {
  const found: (StackSummary | undefined)[] = [];
  let next = 0;
  const reader = async (): Promise<void> => {
    for (let index = next++; index < listed.length; index = next++)
      found[index] = await summary(store, listed[index] as Listed);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, reader));
  return found.filter((each) => each !== undefined);
}

async function summary(
  store: OperationDependencies['store'],
  { stackId, number }: Listed,
): Promise<StackSummary | undefined> {
  try {
    const record = (await readRecord(store, stackId, number))?.record;
    if (record === undefined) return undefined;
    const { createdAt, engine, image, operations, openRun, drift } = record;
    const last = operations.at(-1);
    return {
      stackId,
      createdAt,
      ...(engine === undefined ? {} : { engine }),
      ...(image === undefined ? {} : { image }),
      ...(last === undefined
        ? {}
        : {
            last: {
              operation: last.operation,
              outcome: last.outcome,
              at: last.at,
              ...(last.by === undefined ? {} : { by: last.by }),
              ...(last.planDigest === undefined ? {} : { planDigest: last.planDigest }),
            },
          }),
      ...(openRun === undefined
        ? {}
        : {
            openRun: {
              operation: openRun.operation,
              workflowId: openRun.workflowId,
              runId: openRun.runId,
            },
          }),
      ...(drift === undefined ? {} : { drift }),
    };
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'StateDamaged') throw error;
    return { stackId, damaged: error.message };
  }
}
