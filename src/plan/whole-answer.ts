/** An answer with the lists that were too long for it. */
import { createHash } from 'node:crypto';
import { linesOf, type Content } from '../content.js';
import type { Change } from '../contract/change.js';
import { parseJsonFast } from '../contract/json.js';
import type { ModuleResponse } from '../contract/response.js';
import { CodedError } from '../errors.js';

/** What came along with an answer, by the member that names it. */
export type AnswerFiles = Readonly<Partial<Record<'changes' | 'drift', Content>>>;

/**
 * The answer with every change and all drift inline; a list whose file did not come stays cut, and its file named.
 * Throws `InvalidOutput` when a file is not the one that the answer names.
 */
export async function wholeAnswer(
  response: ModuleResponse,
  files: AnswerFiles,
): Promise<ModuleResponse> {
  const whole = { ...response };
  for (const member of ['changes', 'drift'] as const) {
    if (response[`${member}_file`] === undefined || files[member] === undefined) continue;
    const list: Change[] = [];
    for await (const change of allChanges(response, files, member)) list.push(change);
    whole[member] = list;
    delete whole[`${member}_file`];
  }
  return whole;
}

/**
 * One of the lists, whole and one by one. Throws `InvalidOutput` when the file that the answer names did not come, and, after
 * the last one at the latest, when it is another: then none of them is to be believed.
 */
export async function* allChanges(
  response: ModuleResponse,
  files: AnswerFiles,
  member: 'changes' | 'drift',
): AsyncGenerator<Change> {
  const named = response[`${member}_file`];
  if (named === undefined) {
    yield* response[member] ?? [];
    return;
  }
  const file = files[member];
  if (file === undefined)
    throw new CodedError(
      'InvalidOutput',
      `${named.path} with all ${member}, which output.json names, is not in the container; a part of a plan is none`,
    );
  const other = (cause?: unknown): CodedError =>
    new CodedError(
      'InvalidOutput',
      `${named.path} in the container is not the ${member}_file that output.json names; neither is believed`,
      { cause },
    );
  const hash = createHash('sha256');
  let count = 0;
  for await (const line of linesOf(file)) {
    hash.update(line).update('\n');
    count += 1;
    let change: unknown;
    try {
      change = parseJsonFast(line.toString('utf8'));
    } catch (error) {
      throw other(error);
    }
    yield change as Change;
  }
  if (`sha256:${hash.digest('hex')}` !== named.digest || count !== named.count) throw other();
}
