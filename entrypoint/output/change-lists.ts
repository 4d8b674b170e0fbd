import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import {
  INLINE_CHANGES,
  stringifyJson,
  type Change,
  type ModuleResponse,
} from '../../src/contract/index.js';

/** The changes and the drift of a plan as members of an answer: the first inline, and a file with all of them when there are more. */
export function changeLists(
  lists: Readonly<Record<'changes' | 'drift', readonly Change[]>>,
  paths: Readonly<Record<'root' | 'changes' | 'drift', string>>,
): Pick<ModuleResponse, 'changes' | 'changes_file' | 'drift' | 'drift_file'> {
  const { changes, drift } = lists;
  return {
    changes: changes.slice(0, INLINE_CHANGES),
    drift: drift.slice(0, INLINE_CHANGES),
    ...(changes.length <= INLINE_CHANGES
      ? {}
      : { changes_file: writeList(changes, paths.changes, paths.root) }),
    ...(drift.length <= INLINE_CHANGES
      ? {}
      : { drift_file: writeList(drift, paths.drift, paths.root) }),
  };
}

function writeList(
  changes: readonly Change[],
  path: string,
  root: string,
): NonNullable<ModuleResponse['changes_file']> {
  const text = changes.map((change) => `${stringifyJson(change)}\n`).join('');
  writeFileSync(path, text, { mode: 0o600 });
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  return { path: relative(root, path), digest, count: changes.length };
}
