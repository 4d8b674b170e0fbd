/** Calls to Temporal as the client makes them: by stack or run, with a deadline or a signal, errors as `CodedError`. */
import { randomUUID } from 'node:crypto';
import { isGrpcCancelledError, type Client, type WorkflowHandle } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CodedError } from '../errors.js';
import { readWorkflowId, stackWorkflowId, TASK_QUEUE } from '../temporal/names.js';
import { isUnanswered, toCodedError } from './to-coded-error.js';
import type { OperationTarget } from './types.js';
import { uiLink } from './ui-link.js';

export interface TemporalCallsOptions {
  readonly client: Client;
  readonly namespace: string;
  readonly uiUrl: string | undefined;
  /** Milliseconds that a worker may take to answer. */
  readonly deadline: number;
}

export interface TemporalCalls {
  readonly client: Client;
  /** The newest operation of a stack, or one run. */
  handle(target: OperationTarget): WorkflowHandle;
  uiLink(workflowId: string, runId: string): string | undefined;
  /** One call with a deadline; what passes it had no worker to answer. A workflow that is there already keeps its error. */
  call<T>(subject: string, call: () => Promise<T>, deadline?: number): Promise<T>;
  /** A question changes nothing: one that got lost between Temporal and a worker is asked once more. */
  ask<T>(subject: string, question: () => Promise<T>): Promise<T>;
  /** A call that may take days: no deadline, but an end by signal. */
  abortable<T>(
    subject: string,
    signal: AbortSignal | undefined,
    call: () => Promise<T>,
  ): Promise<T>;
  /** What only workers can read from the store, by a short workflow of this type. */
  read<T>(type: string, subject: string, id: string, request: object): Promise<T>;
}

export function createTemporalCalls(options: TemporalCallsOptions): TemporalCalls {
  const { client } = options;
  const call: TemporalCalls['call'] = async (subject, work, deadline = options.deadline) => {
    try {
      return await client.withDeadline(Date.now() + deadline, work);
    } catch (error) {
      if (isAlreadyStarted(error)) throw error;
      throw toCodedError(error, subject);
    }
  };
  return {
    client,
    call,
    handle(target) {
      const { workflowId, runId } = operationOf(target);
      return client.workflow.getHandle(workflowId, runId);
    },
    uiLink: (workflowId, runId) => uiLink(options.uiUrl, options.namespace, workflowId, runId),
    ask: (subject, question) =>
      call(subject, question).catch((error: unknown) => {
        if (error instanceof CodedError && isUnanswered(error)) return call(subject, question);
        throw error;
      }),
    abortable: async (subject, signal, work) => {
      try {
        return signal === undefined ? await work() : await client.withAbortSignal(signal, work);
      } catch (error) {
        if (signal?.aborted === true || isGrpcCancelledError(error)) signal?.throwIfAborted();
        throw toCodedError(error, subject);
      }
    },
    read: <T>(type: string, subject: string, id: string, request: object) =>
      call(subject, async () => {
        const handle = await client.workflow.start(type, {
          workflowId: readWorkflowId(id, randomUUID().slice(-12)),
          taskQueue: TASK_QUEUE,
          args: [request],
          workflowExecutionTimeout: options.deadline,
        });
        return (await handle.result()) as T;
      }),
  };
}

export function isAlreadyStarted(error: unknown): boolean {
  return error instanceof WorkflowExecutionAlreadyStartedError;
}

/** What errors call the target. */
export function subjectOf(target: OperationTarget): string {
  return typeof target === 'string' ? `stack ${target}` : target.workflowId;
}

/** The workflow of a target; without a run id its newest run. */
export function operationOf(target: OperationTarget): { workflowId: string; runId?: string } {
  if (typeof target === 'string') return { workflowId: stackWorkflowId(target) };
  const { workflowId, runId } = target;
  return runId === undefined ? { workflowId } : { workflowId, runId };
}
