/** Does a row's steps as operations of one stack: planned, approved and applied by a worker. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { wholeOf } from '../../src/content.js';
import { receiptSchema } from '../../src/contract/change.js';
import { isLosslessNumber, parseJson, stringifyJson, type Json } from '../../src/contract/json.js';
import { tooLarge } from '../../src/contract/input-limit.js';
import type { OperationInput, OperationResult, PlanView } from '../../src/contract/operation.js';
import type { ModuleResponse } from '../../src/contract/response.js';
import type { StartedOperation } from '../../src/client/index.js';
import { CodedError } from '../../src/errors.js';
import { storeInputs } from '../../src/operation/input-archive.js';
import { readRecord } from '../../src/stack/record.js';
import { loadSnapshot } from '../../src/state/snapshot.js';
import type { Store } from '../../src/store/open-store.js';
import { historyText } from '../support/history-text.js';
import { uniqueStack, type LocalSystem } from '../support/local-system.js';
import type { OutsideWorld } from '../support/outside-world.js';
import type { Row, Step } from './row.js';
import type { RowRunner } from './run-row.js';

/** A runner on a system whose workers have an HTTP endpoint; each row has its own, and a stack of its own. */
export function workerRunner(
  system: LocalSystem,
  { store, secretsDirectory }: { readonly store: Store; readonly secretsDirectory: string },
  row: Row,
  world: OutsideWorld,
): RowRunner {
  const stackId = uniqueStack('row');
  /** Inputs with a secret in them go as references: what is sent is in the history. */
  const referenced = async ({ inputs = {}, secrets = [] }: Step): Promise<Record<string, Json>> => {
    const given = Object.entries(inputs).map(async ([name, value]): Promise<[string, Json]> => {
      if (typeof value !== 'string' || !secrets.some((secret) => value.includes(secret)))
        return [name, value];
      const secret = createHash('sha256').update(value).digest('hex').slice(0, 16);
      await writeFile(join(secretsDirectory, secret), value);
      return [name, { $secret: secret }];
    });
    return Object.fromEntries(await Promise.all(given));
  };
  /** Inputs that are too large for a request go by the store, as the command does it. */
  const sent = async (step: Step): Promise<OperationInput['inputs']> => {
    const inputs = await referenced(step);
    return tooLarge(inputs) === undefined ? inputs : { archive: await storeInputs(store, inputs) };
  };
  const lines: string[] = [];
  const operations: StartedOperation[] = [];
  let waiting: { started: StartedOperation; planDigest: string } | undefined;

  return {
    async preview(step, image) {
      const started = await system.client.start({
        ...inputOf(step, row, world),
        stackId,
        module: { image },
        inputs: await sent(step),
      });
      operations.push(started);
      const failed = await planOrFailure(system, started);
      if (failed instanceof CodedError) {
        const told = failedAnswer('preview', failed);
        return { told, whole: told };
      }
      waiting = { started, planDigest: failed.planDigest };
      const text = await (await fetch(failed.link ?? '')).text();
      lines.push(stringifyJson(failed), text);
      const whole = answerOf(parseJson(text) as unknown as PlanView);
      return { told: whole, whole };
    },
    async apply(step) {
      if (waiting === undefined) throw new Error('no plan waits');
      const { started, planDigest } = waiting;
      await system.client.approve(started, { planDigest, by: 'table' });
      const ended = await system.client
        .result(started)
        .catch((error: unknown) => error as CodedError);
      if (ended instanceof CodedError) {
        lines.push(stringifyJson(ended.toFailure()));
        return failedAnswer(step.of ?? 'apply', ended);
      }
      lines.push(stringifyJson(ended));
      return doneAnswer(step, ended, await outputsOf(store, stackId));
    },
    async leave() {
      if (waiting === undefined) return;
      const { started, planDigest } = waiting;
      await system.client.reject(started, { planDigest, by: 'table' });
      await system.client.result(started);
    },
    async state() {
      const found = await readRecord(store, stackId);
      const content = await loadSnapshot(store, found?.record ?? { stackId });
      return content && wholeOf(content);
    },
    async lines() {
      const connection = await Connection.connect({ address: system.address });
      try {
        const { workflow } = new Client({ connection });
        for (const started of operations.splice(0)) {
          const handle = workflow.getHandle(started.workflowId, started.runId);
          lines.push(historyText(await handle.fetchHistory()));
          for await (const chunk of system.client.logs(started)) lines.push(stringifyJson(chunk));
        }
      } finally {
        await connection.close();
      }
      return lines;
    },
  };
}

function inputOf(step: Step, row: Row, world: OutsideWorld): Omit<OperationInput, 'stackId'> {
  const { targets, replace, parallelism, refresh } = step.options ?? {};
  return {
    operation: step.of ?? 'apply',
    environment: { ...(row.outside ? world.containerEnvironment : {}), ...step.environment },
    options: {
      ...(targets && { targets: [...targets] }),
      ...(replace && { replace: [...replace] }),
      ...(parallelism === undefined ? {} : { parallelism }),
      ...(refresh === undefined ? {} : { refresh }),
    },
    ...(step.imports === undefined ? {} : { imports: [...step.imports] }),
    limits: { network: row.outside ? 'open' : 'none' },
    approval: { mode: 'required', expiresIn: '1h' },
    requestedBy: 'table',
  };
}

async function planOrFailure(
  system: LocalSystem,
  started: StartedOperation,
): Promise<PlanView | CodedError> {
  try {
    await system.client.waitPlan(started);
    const view = await system.client.plan(started);
    if (view !== undefined) return view;
    await system.client.result(started);
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
  throw new Error('an operation ended without a plan and without a failure');
}

/** A plan as the container answered it; a worker's HMAC of a sensitive value stands for its mark. */
function answerOf(view: PlanView): ModuleResponse {
  const { summary, changes, drift, outputChanges, checks, notices, hasUnknown } = view;
  const lists = { changes, drift, output_changes: outputChanges };
  return {
    success: true,
    action: 'preview',
    outputs: {},
    ...(unkeyed(lists as unknown as Json) as unknown as typeof lists),
    summary,
    checks,
    notices,
    has_unknown: hasUnknown,
  };
}

function unkeyed(value: Json): Json {
  if (typeof value !== 'object' || value === null || isLosslessNumber(value)) return value;
  if (Array.isArray(value)) return value.map((item) => unkeyed(item as Json));
  const members = Object.entries(value);
  const [[name, mark] = []] = members;
  if (members.length === 1 && name === '$sensitive' && /^hmac-sha256:/.test(String(mark)))
    return { $sensitive: true };
  return Object.fromEntries(members.map(([key, member]) => [key, unkeyed(member)]));
}

function doneAnswer(
  step: Step,
  { receipt, notices }: OperationResult,
  outputs: ModuleResponse['outputs'],
): ModuleResponse {
  return {
    outputs,
    success: true,
    action: step.of ?? 'apply',
    ...(receipt === undefined ? {} : { receipt }),
    ...(notices === undefined ? {} : { notices }),
  };
}

function failedAnswer(action: ModuleResponse['action'], error: CodedError): ModuleResponse {
  const receipt = receiptSchema.safeParse(error.detail?.['receipt']).data;
  return {
    success: false,
    action,
    outputs: {},
    error: error.message,
    failure: error.toFailure(),
    ...(receipt === undefined ? {} : { receipt }),
  };
}

async function outputsOf(store: Store, stackId: string): Promise<ModuleResponse['outputs']> {
  return (await readRecord(store, stackId))?.record.outputs ?? {};
}
