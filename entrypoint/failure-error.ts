import type { ErrorCode, Failure } from '../src/contract/index.js';

/** A failure on its way to `output.json`; `message` is one line that names cause and next step. */
export class FailureError extends Error {
  override readonly name = 'FailureError';
  readonly failure: Failure;

  constructor(code: ErrorCode, message: string, detail?: Failure['detail']) {
    super(message);
    this.failure = { code, message, ...(detail === undefined ? {} : { detail }) };
  }
}

/** The failure behind anything thrown; what has no code is `InternalError`. */
export function failureOf(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure;
  return { code: 'InternalError', message: error instanceof Error ? error.message : String(error) };
}
