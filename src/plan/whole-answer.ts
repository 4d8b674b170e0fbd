/** An answer with the lists that were too long for it. */
import { createHash } from 'node:crypto';
import type { Change } from '../contract/change.js';
import { parseJson } from '../contract/json.js';
import type { ModuleResponse } from '../contract/response.js';
import { CodedError } from '../errors.js';

/** What came along with an answer, by the member that names it. */
export interface AnswerFiles {
  readonly changes?: Uint8Array;
  readonly drift?: Uint8Array;
}

/**
 * The answer with every change and all drift inline; a list whose file did not come stays cut, and its file named.
 * Throws `InvalidOutput` when a file is not the one that the answer names.
 */
export function wholeAnswer(response: ModuleResponse, files: AnswerFiles): ModuleResponse {
  const { changes_file: changesFile, drift_file: driftFile, ...rest } = response;
  const changes = readList('changes_file', changesFile, files.changes);
  const drift = readList('drift_file', driftFile, files.drift);
  return {
    ...rest,
    ...(changes !== undefined ? { changes } : changesFile && { changes_file: changesFile }),
    ...(drift !== undefined ? { drift } : driftFile && { drift_file: driftFile }),
  };
}

function readList(
  member: string,
  named: ModuleResponse['changes_file'],
  bytes: Uint8Array | undefined,
): Change[] | undefined {
  if (named === undefined || bytes === undefined) return undefined;
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const lines = Buffer.from(bytes).toString('utf8').split('\n').slice(0, -1);
  if (digest !== named.digest || lines.length !== named.count)
    throw new CodedError(
      'InvalidOutput',
      `${named.path} in the container is not the ${member} that output.json names; neither is believed`,
    );
  return lines.map((line) => parseJson(line) as unknown as Change);
}
