/** Stacks by their records, as clients without a store key see them. */
import type { StackPage, StackSummary } from '../contract/stack.js';
import { CodedError } from '../errors.js';
import {
  listStacks as listRecords,
  readRecord,
  type ListedRecord,
  type StackRecord,
} from '../stack/record.js';
import type { ListStacksRequest } from './types.js';
import type { OperationDependencies } from './dependencies.js';

/** Stacks of one answer: well below what a payload may hold. */
const PAGE = 1000;
/** Records that are read at one time. */
const AT_ONCE = 32;

/** Summaries that were read before, by stack: a record of one number and time never changes. */
export type KnownSummaries = Map<
  string,
  Pick<ListedRecord, 'number' | 'modified'> & { readonly summary: StackSummary }
>;

/**
 * Lists stacks in the order of their ids; a record that can't be read is told in its place. What is in `known` is not read
 * again, and what is read is added to it. Throws `StoreUnavailable`.
 */
export async function listStacks(
  { store }: Pick<OperationDependencies, 'store'>,
  { prefix = '', from = '', lost }: ListStacksRequest,
  known: KnownSummaries = new Map(),
): Promise<StackPage> {
  const page = async (next?: string): Promise<StackPage> => {
    const stacks = await summaries(store, listed, known);
    return {
      stacks: lost ? stacks.filter(({ lostRun }) => lostRun !== undefined) : stacks,
      ...(next === undefined ? {} : { next }),
    };
  };
  const listed: ListedRecord[] = [];
  for await (const found of listRecords(store, prefix)) {
    // Keys end an id with a slash: `a-b` comes before `a`.
    if (`${found.stackId}/` < `${from}/`) continue;
    if (listed.length === PAGE) return page(found.stackId);
    listed.push(found);
  }
  return page();
}

async function summaries(
  store: OperationDependencies['store'],
  listed: readonly ListedRecord[],
  known: KnownSummaries,
): Promise<StackSummary[]> {
  const found: (StackSummary | undefined)[] = [];
  let next = 0;
  const reader = async (): Promise<void> => {
    for (let index = next++; index < listed.length; index = next++) {
      const record = listed[index] as ListedRecord;
      found[index] = knownSummary(known, record) ?? (await readSummary(store, record, known));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, reader));
  return found.filter((each) => each !== undefined);
}

function knownSummary(
  known: KnownSummaries,
  { stackId, number, modified }: ListedRecord,
): StackSummary | undefined {
  const before = known.get(stackId);
  const same = before?.number === number && before.modified.getTime() === modified.getTime();
  return same ? before.summary : undefined;
}

async function readSummary(
  store: OperationDependencies['store'],
  { stackId, number, modified }: ListedRecord,
  known: KnownSummaries,
): Promise<StackSummary | undefined> {
  try {
    const read = await readRecord(store, stackId, number);
    if (read === undefined) return undefined;
    const summary = summaryOf(read.record);
    if (read.number === number) known.set(stackId, { number, modified, summary });
    return summary;
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'StateDamaged') throw error;
    return { stackId, damaged: error.message };
  }
}

function summaryOf({
  stackId,
  createdAt,
  engine,
  image,
  operations,
  openRun,
  drift,
  lostRun,
}: StackRecord): StackSummary {
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
    ...(lostRun === undefined
      ? {}
      : {
          lostRun: {
            operation: lostRun.operation,
            workflowId: lostRun.workflowId,
            runId: lostRun.runId,
            at: lostRun.at,
            message: lostRun.message,
          },
        }),
  };
}
