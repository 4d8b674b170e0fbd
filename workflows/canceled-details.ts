/**
 * Puts the details of the `CancelledFailure` that a workflow ends with into the run's end: the server
 * keeps them, the SDK (1.24) sends none.
 */
import { CancelledFailure, type Payload, type WorkflowInterceptors } from '@temporalio/workflow';
import { payloadConverter } from '../src/temporal/payload-converter.js';

/** The factory that the SDK looks for in an interceptor module. */
export const interceptors = (): WorkflowInterceptors => {
  let details: Payload[] = [];
  return {
    inbound: [
      {
        async execute(input, next) {
          try {
            return await next(input);
          } catch (error) {
            if (error instanceof CancelledFailure) {
              details = (error.details ?? []).map((value) => payloadConverter.toPayload(value));
            }
            throw error;
          }
        },
      },
    ],
    internals: [
      {
        concludeActivation(input, next) {
          const output = next(input);
          for (const command of output.commands) {
            if (command.cancelWorkflowExecution != null && details.length > 0) {
              command.cancelWorkflowExecution.details = { payloads: details };
            }
          }
          return output;
        },
      },
    ],
  };
};
