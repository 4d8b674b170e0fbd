/** Errors as coded data: one class, whose `code` says who has to act. */
import { isRetryable, type ErrorCode, type Failure } from './contract/error-code.js';

/** An error with a code of the contract; `message` is one redacted line that names cause and next step. */
export class CodedError extends Error {
  override readonly name = 'CodedError';
  readonly code: ErrorCode;
  readonly detail: Failure['detail'];
  /** True when the same call may work later: by its code, unless the failure is one that was recorded and stands. */
  readonly retryable: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    options: { detail?: Failure['detail']; cause?: unknown; final?: boolean } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
    this.retryable = options.final !== true && isRetryable(code);
  }

  /** The data form that output files, workflow failures and `--json` carry. */
  toFailure(): Failure {
    return {
      code: this.code,
      message: this.message,
      ...(this.detail === undefined ? {} : { detail: this.detail }),
    };
  }
}

/** Makes a `CodedError` of anything thrown; what has no code is `InternalError`. */
export function asCodedError(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new CodedError('InternalError', message, { cause: error });
}

/** True when the error only says that its `AbortSignal` fired. */
export function isAbort(error: unknown): boolean {
  return (
    error instanceof Error && (error.name === 'AbortError' || error.name === 'CancelledFailure')
  );
}
