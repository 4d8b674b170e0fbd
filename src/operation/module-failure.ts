/** A module's answer that says "failed", as an error. */
import type { Failure } from '../contract/error-code.js';
import type { Json } from '../contract/json.js';
import type { ModuleResponse } from '../contract/response.js';
import { CodedError } from '../errors.js';
import { redactJson } from '../secrets/redact.js';
import type { RunInputs } from './run-inputs.js';

/** The failure of an answer without success; images of the seed's form have one line only. */
export function moduleFailure(response: ModuleResponse, inputs: RunInputs): Failure {
  const failure: Failure = response.failure ?? {
    code: 'ModuleFailed',
    message: (response.error ?? 'the module failed and did not say why').split('\n')[0] ?? '',
  };
  return redacted(failure, inputs);
}

/** Takes the run's secrets out of plain data. */
export function redacted<T>(
  value: T,
  { redact, hasSecrets }: Pick<RunInputs, 'redact' | 'hasSecrets'>,
): T {
  return hasSecrets ? (redactJson(value as Json, redact) as T) : value;
}

/** An error with the run's secrets taken out of message and detail; what has no code passes as it is. */
export function redactedError(
  error: unknown,
  inputs: Pick<RunInputs, 'redact' | 'hasSecrets'>,
): unknown {
  return error instanceof CodedError && inputs.hasSecrets
    ? failureError(redacted(error.toFailure(), inputs))
    : error;
}

/** A failure as it is thrown; `final` when asking again would give the same answer. */
export function failureError(failure: Failure, final = false): CodedError {
  return new CodedError(failure.code, failure.message, {
    final,
    ...(failure.detail === undefined ? {} : { detail: failure.detail }),
  });
}
