/** A plan as people and services see it. */
import { INLINE_CHANGES } from '../contract/change.js';
import { stringifyJson } from '../contract/json.js';
import type { PlanView } from '../contract/operation.js';
import { readChange, readSubject } from './change-line.js';
import type { SavedPlan } from './plan-store.js';

/** The view of a saved plan with at most `limit` changes (default 200), those that destroy first. */
export function planView(saved: SavedPlan, limit = INLINE_CHANGES): PlanView {
  const { bundle, note } = saved;
  const { subject, findings } = bundle;
  return {
    planDigest: bundle.digest,
    changesDigest: bundle.changesDigest,
    operation: subject.operation,
    stackId: subject.stackId,
    image: subject.image,
    engine: subject.engine,
    toolVersion: subject.toolVersion,
    stateFingerprint: subject.stateFingerprint,
    summary: findings.summary,
    changes: inOrder(bundle.changes).slice(0, limit).map(readChange),
    changeCount: bundle.changes.length,
    outputChanges: findings.outputChanges.slice(0, limit),
    drift: findings.drift.slice(0, limit),
    checks: findings.checks,
    notices: findings.notices,
    hasUnknown: findings.hasUnknown,
    createdAt: note.createdAt,
    expiresAt: note.expiresAt,
  };
}

/** The view with all changes as JSON text, a change at a time. */
export function* planText(saved: SavedPlan): Generator<string> {
  const { findings, changes } = saved.bundle;
  const { drift, outputChanges } = findings;
  const view = { ...planView(saved, 0), drift, outputChanges };
  let next = '{';
  for (const [name, value] of Object.entries(view)) {
    yield `${next}\n  ${JSON.stringify(name)}: `;
    if (name === 'changes' && changes.length > 0) yield* listText(changes);
    else yield indented(value, 2);
    next = ',';
  }
  yield '\n}\n';
}

function* listText(lines: readonly Buffer[]): Generator<string> {
  let next = '[';
  for (const line of inOrder(lines)) {
    yield `${next}\n    ${indented(readChange(line), 4)}`;
    next = ',';
  }
  yield '\n  ]';
}

function indented(value: unknown, by: number): string {
  return stringifyJson(value, 2).replaceAll('\n', `\n${' '.repeat(by)}`);
}

/** What destroys first, what only reads last, else as the engine ordered it. */
function inOrder(lines: readonly Buffer[]): Buffer[] {
  const weighed = lines.map((line) => ({ line, weight: weight(readSubject(line).action) }));
  return weighed.sort((a, b) => a.weight - b.weight).map(({ line }) => line);
}

const WEIGHTS: Readonly<Record<string, number>> = { delete: 0, replace: 0, forget: 0, read: 2 };

function weight(action: string): number {
  return WEIGHTS[action] ?? 1;
}
